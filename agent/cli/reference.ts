/** The reference page docs/reference/cli.md, generated from the commands and their help. */
import { allCommands, buildProgram } from './program.ts';

const INTRODUCTION = `# \`unlockctl\`

Generated from \`agent/cli/program.ts\`; do not edit. Exit codes: see [exit-codes.md](exit-codes.md).

Results go to standard output, prompts and progress to standard error. With \`--json\` standard output carries one JSON
object and nothing else: \`{ "ok": true, "result": {…} }\` or \`{ "ok": false, "error": { "code", "message", "cure",
"detail" }, "reasons": [ { "depth", "ok", "text" } ] }\`; standard error then carries one JSON line for each event of a
ceremony or a key (\`prompt\`, \`touch\`, \`insert\`, \`progress\`, \`refused\`, \`secret\`, \`sample\`).
\`events --follow --json\` prints one line of JSON for each event.

PINs and recovery groups are read from the terminal (\`/dev/tty\`) without echo, or from a descriptor that an option
names, one line each; several options may name the same descriptor. They are never taken from arguments or the
environment. A new PIN is asked for twice on a terminal and read once from a descriptor. Recovery sheets are shown once,
on the terminal or on \`--sheet-fd\`.

\`unlock -- CMD\` runs CMD with the purpose key on a pipe; the number of its descriptor is in \`UNLOCKD_KEY_FD\`.

| environment | meaning |
|---|---|
| \`UNLOCKD_SOCKET\` | the socket of the daemon; \`--socket\` wins |
`;

/** @param version is not printed: the page must not change with every release */
export function cliPage(): string {
  const program = buildProgram('0.0.0', () => undefined);
  const sections = allCommands(program).map((command) => {
    command.configureHelp({ helpWidth: 100 });
    const names: string[] = [];
    for (let each: typeof command | null = command; each !== null; each = each.parent) names.unshift(each.name());
    let text = '';
    command.configureOutput({
      writeOut: (piece) => {
        text += piece;
      },
      getOutHelpWidth: () => 100,
      getOutHasColors: () => false,
    });
    command.outputHelp();
    return `## ${names.join(' ')}\n\n\`\`\`text\n${text.trimEnd()}\n\`\`\`\n`;
  });
  return `${INTRODUCTION}\n${sections.join('\n')}`;
}
