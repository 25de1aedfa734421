/**
 * What lies in the memory that no working set takes: zero pages, in stretches or spread over all of it, and what the guest's
 * balloon driver reports as free.
 */
import { lastOf, nth, zip } from '../../lists.js';
import type { ZeroExtent } from '../../guest/spec.js';

const { floor, max, min } = Math;

/** Pages. */
export interface UnusedMemory {
  readonly ramPages: number;
  readonly hiddenPages: number;
  /** Stretches of zero pages, in address order, disjoint. */
  readonly stretches: readonly ZeroExtent[];
  /** Zero pages that lie spread over what is left next to stretches and working sets. */
  readonly spreadZero: number;
  /** Pages that the guest reports as free: zero pages first, those of the balloon not among them. */
  readonly hinted: number;
  readonly balloon: number;
}

/** A part of RAM. */
export interface Extent {
  readonly firstPage: number;
  readonly pages: number;
}

/** The parts of RAM outside all of these, in address order. */
export function gapsBetween(taken: readonly Extent[], ramPages: number): Extent[] {
  const gaps: Extent[] = [];
  let from = 0;
  for (const { firstPage, pages } of taken.toSorted((a, b) => a.firstPage - b.firstPage)) {
    if (firstPage > from) gaps.push({ firstPage: from, pages: firstPage - from });
    from = max(from, firstPage + pages);
  }
  if (ramPages > from) gaps.push({ firstPage: from, pages: ramPages - from });
  return gaps;
}

export function pagesIn(extents: readonly Extent[]): number {
  return extents.reduce((sum, { pages }) => sum + pages, 0);
}

/** The stretches with zero pages, spread ones included, and the hidden memory, in address order. */
export function zeroExtents(memory: UnusedMemory, sets: readonly Extent[]): ZeroExtent[] {
  const { ramPages, hiddenPages, stretches, spreadZero, hinted, balloon } = memory;
  const gaps = gapsBetween([...sets, ...stretches], ramPages);
  const stretchPages = pagesIn(stretches);
  const room = pagesIn(gaps);
  const zero = stretchPages + spreadZero;
  // What is zero without being the balloon's is free; what else is free was used once.
  const hintedZero = min(hinted, zero - balloon);
  const hintedData = min(hinted - hintedZero, room - spreadZero);
  const ofZero = shareOut(hintedZero, [...stretches.map(({ pages }) => pages), spreadZero]);
  const hintedSpread = lastOf(ofZero);
  const whole: ZeroExtent[] = zip(stretches, ofZero).map(([stretch, zeroHinted]) =>
    extentOf(stretch, stretch.pages, zeroHinted, 0),
  );
  const sizes = gaps.map(({ pages }) => pages);
  const zeroOf = shareOut(spreadZero, sizes);
  const hintedZeroOf = shareOut(hintedSpread, zeroOf);
  const dataOf = shareOut(
    hintedData,
    zip(sizes, zeroOf).map(([pages, zeros]) => pages - zeros),
  );
  const spread = gaps.map((gap, i) => extentOf(gap, nth(zeroOf, i), nth(hintedZeroOf, i), nth(dataOf, i)));
  const hidden: ZeroExtent[] = hiddenPages === 0 ? [] : [{ firstPage: ramPages, pages: hiddenPages }];
  return [...whole, ...spread, ...hidden]
    .filter((extent) => (extent.zeroPages ?? extent.pages) > 0 || (extent.hintedDataPages ?? 0) > 0)
    .sort((a, b) => a.firstPage - b.firstPage);
}

function extentOf(
  { firstPage, pages }: Extent,
  zero: number,
  hintedZero: number,
  hintedData: number,
): ZeroExtent {
  return {
    firstPage,
    pages,
    ...(zero < pages ? { zeroPages: zero } : {}),
    ...(hintedZero > 0 ? { hintedZeroPages: hintedZero } : {}),
    ...(hintedData > 0 ? { hintedDataPages: hintedData } : {}),
  };
}

/** A whole number divided in proportion to these weights; the parts are whole and add up, none above its weight. */
function shareOut(count: number, weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let before = 0;
  let given = 0;
  return weights.map((weight) => {
    before += weight;
    const upTo = total === 0 ? 0 : before === total ? count : floor(count * (before / total));
    const part = min(weight, upTo - given);
    given += part;
    return part;
  });
}
