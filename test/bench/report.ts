/** How the lanes are shown: one JSON object for programs, a table for people. */
import { readFileSync } from 'node:fs';
import { arch, cpus, release, totalmem } from 'node:os';
import type { Lane } from './lane.ts';
import type { Quantiles } from './quantiles.ts';

export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly memoryMb: number;
  readonly arch: string;
  readonly kernel: string;
  readonly os: string;
  readonly node: string;
}

/** PRETTY_NAME of os-release(5). */
function distribution(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}

export function describeMachine(): Machine {
  const processors = cpus();
  return {
    cores: processors.length,
    cpu: processors[0]?.model.trim() ?? 'unknown',
    memoryMb: Math.round(totalmem() / 2 ** 20),
    arch: arch(),
    kernel: release(),
    os: distribution(),
    node: process.version,
  };
}

const round = (value: number): number => Number(value.toPrecision(4));
const rounded = ({ p50, p95, p99 }: Quantiles): Quantiles => ({ p50: round(p50), p95: round(p95), p99: round(p99) });

/** The object that `--json` prints; figures have four significant digits. */
export function jsonReport(machine: Machine, lanes: readonly Lane[]): Readonly<Record<string, unknown>> {
  return {
    machine,
    lanes: lanes.map((lane) => ({
      ...lane,
      ours: rounded(lane.ours),
      other: lane.other === null ? null : { what: lane.other.what, ...rounded(lane.other) },
      ratio: lane.ratio === null ? null : round(lane.ratio),
      ...(lane.parts === undefined ? {} : { parts: lane.parts.map((part) => ({ name: part.name, ...rounded(part) })) }),
      ...(lane.apart === undefined ? {} : { apart: lane.apart.map((part) => ({ name: part.name, ...rounded(part) })) }),
    })),
  };
}

const COLUMNS = [23, 5, 7, 9, 9, 9, 9, 8, 7, 5] as const;

function row(cells: readonly string[]): string {
  const padded = cells.map((cell, at) => (at === 0 ? cell.padEnd(COLUMNS[0]) : cell.padStart(COLUMNS[at] ?? 0)));
  return padded.join(' ').trimEnd();
}

const figure = (value: number | null): string => (value === null ? '-' : String(round(value)));

/** Lines for people. */
export function tableReport(machine: Machine, lanes: readonly Lane[]): readonly string[] {
  const lines = [
    `${machine.cores} x ${machine.cpu}, ${machine.memoryMb} MB, ${machine.os}, Node ${machine.node}`,
    '',
    row(['lane', 'n', 'unit', 'p50', 'p95', 'p99', 'other p50', 'ratio', 'limit', '']),
  ];
  for (const { name, n, unit, ours, other, ratio, limit, ok, parts = [], apart = [] } of lanes) {
    const verdict = limit === null ? '' : ok ? 'ok' : 'OVER';
    const figures = [ours.p50, ours.p95, ours.p99, other?.p50 ?? null, ratio, limit].map(figure);
    lines.push(row([name, String(n), unit, ...figures, verdict]));
    if (other !== null) lines.push(`  against ${other.what}`);
    for (const part of parts) lines.push(`  part      ${part.name}: ${figure(part.p50)} ${unit}`);
    for (const part of apart) lines.push(`  not in it ${part.name}: ${figure(part.p50)} ${unit}`);
  }
  return lines;
}
