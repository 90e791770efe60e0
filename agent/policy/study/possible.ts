/**
 * Which combinations of elements can be at all: a narrow prefix lies in its wider one, no machine has two DNS suffixes, it is
 * not monday and sunday. Each is a question that is added to a diagram, so that what cannot be is no difference.
 */
import type { SurroundingKind } from '../../../drivers/signal.ts';
import type { Diagram, Node } from './diagram.ts';
import type { Element, Elements } from './elements.ts';
import { suffixesExclude, suffixImplies } from './suffix.ts';
import { weekPieces } from './week.ts';

type Of<I extends Element['is']> = { readonly element: Extract<Element, { is: I }>; readonly at: number };

const ofKind = <I extends Element['is']>(elements: Elements, among: readonly number[], is: I): readonly Of<I>[] =>
  among.flatMap((at) => {
    const element = elements.all[at];
    return element?.is === is ? [{ element: element as Extract<Element, { is: I }>, at }] : [];
  });

/** One of them is so only together with all that its concrete ones satisfy as well, for one of these. */
function ofPatterns(elements: Elements, diagram: Diagram, among: readonly number[], kind: SurroundingKind): Node[] {
  const space = elements.spaces[kind];
  const own = ofKind(elements, among, 'pattern').filter(({ element }) => element.kind === kind);
  return own.flatMap(({ element, at }) => {
    const options = space
      .optionsOf(element.index)
      .map(({ satisfies }) =>
        own.filter((other) => other.at !== at && satisfies.has(other.element.index)).map((other) => other.at),
      );
    if (options.some((also) => also.length === 0)) return [];
    const ways = diagram.or(...options.map((also) => diagram.and(...also.map((each) => diagram.variable(each)))));
    return [diagram.or(diagram.not(diagram.variable(at)), ways)];
  });
}

function ofSuffixes(elements: Elements, diagram: Diagram, among: readonly number[]): Node[] {
  const own = ofKind(elements, among, 'suffix');
  return own.flatMap((a, i) =>
    own.flatMap((b, j) => {
      if (i === j) return [];
      const [x, y] = [diagram.variable(a.at), diagram.variable(b.at)];
      const out: Node[] = [];
      if (suffixImplies(a.element.suffix, b.element.suffix)) out.push(diagram.or(diagram.not(x), y));
      if (i < j && suffixesExclude(a.element.suffix, b.element.suffix)) out.push(diagram.not(diagram.and(x, y)));
      return out;
    }),
  );
}

function ofWindows(elements: Elements, diagram: Diagram, among: readonly number[]): Node[] {
  const own = ofKind(elements, among, 'window');
  if (own.length === 0) return [];
  const sets = weekPieces(own.map(({ element }) => element.window)).map(({ open }) => open);
  // While the time is not known no window is open.
  const pieces = [...sets, new Set<number>()].map((open) =>
    diagram.and(...own.map(({ at }, i) => (open.has(i) ? diagram.variable(at) : diagram.not(diagram.variable(at))))),
  );
  return [diagram.or(...pieces)];
}

/** What has to hold of any combination of the elements `among`, each on its own; all together say what can be. */
export const conditionsOfPossible = (
  elements: Elements,
  diagram: Diagram,
  among: readonly number[],
): readonly Node[] => [
  ...ofWindows(elements, diagram, among),
  ...ofSuffixes(elements, diagram, among),
  ...(['bluetooth', 'wifi', 'ipConfig'] as const).flatMap((kind) => ofPatterns(elements, diagram, among, kind)),
];
