import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Resvg } from '@resvg/resvg-js';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Drawing } from '../../src/report/figures/kit/figure.js';
import { exact, fitting, fromZero, logarithmic } from '../../src/report/figures/kit/axes.js';
import { FONT_FAMILY, fontFile, textWidth } from '../../src/report/figures/kit/font.js';
import { drawAll, figures } from '../../src/report/figures/index.js';
import { pngOf } from '../../src/report/figures/kit/png.js';
import { asNumbers } from '../../src/report/figures/data/quantities.js';
import { type Results, readResults } from '../../src/report/figures/data/results.js';
import { SHEETS, type Sheet, lookOf } from '../../src/report/figures/kit/sheet.js';
import { thin } from '../../src/report/figures/data/thin.js';
import { passBytes } from '../../src/migration/observe/pass-pages.js';
import type { Row } from '../../src/report/files/rows.js';
import { RUNS, smallResults } from './small-results.js';

const ALL = { strategies: [] };
const WIDTHS = Object.entries(SHEETS);
let results: Results;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'migsim-figures-'));
  results = await readResults(smallResults(), ALL);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, text: string): string {
  const full = path.join(folder, name);
  writeFileSync(full, text);
  return full;
}

/** The words of a drawing, in the order in which they stand in it. */
function words(svg: string): string[] {
  return [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((match) => match[1]!);
}

const drawn = new Map<Sheet, readonly Drawing[]>();

/** All drawings of the results, drawn once per sheet. */
function drawingsOf(sheet: Sheet): readonly Drawing[] {
  const known = drawn.get(sheet) ?? drawAll(figures, results, sheet);
  drawn.set(sheet, known);
  return known;
}

function named(name: string, sheet = SHEETS.two, from = results): Drawing {
  const drawings = from === results ? drawingsOf(sheet) : drawAll(figures, from, sheet);
  const drawing = drawings.find((one) => one.name === name);
  if (drawing === undefined) throw new Error(`no drawing ${name}`);
  return drawing;
}

/** Half of the writers hot, half warm, each doing a steady share of its own; and 16 readers that do all. */
function crowd(writers: number): Row[] {
  return [...Array(20).keys()].flatMap((sample) =>
    [...Array(writers + 16).keys()].map((vcpu) => ({
      scenario: 's',
      strategy: 'none',
      run: 1,
      time_ms: 500 * (sample + 1),
      vcpu,
      group: vcpu >= writers ? 'reader' : vcpu < writers / 2 ? 'hot' : 'warm',
      writer: vcpu < writers,
      work_share: vcpu >= writers ? 1 : (21 + vcpu) / 100,
    })),
  );
}

function coveredWords(drawings: readonly Drawing[], sheet: Sheet): string[] {
  const covered: string[] = [];
  for (const { name, svg } of drawings) {
    const texts = horizontalTexts(svg, sheet.font);
    texts.forEach((a, index) => {
      for (const b of texts.slice(index + 1)) {
        const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const high = Math.min(a.base, b.base) - Math.max(a.base, b.base) + 0.7 * sheet.font;
        if (wide > 1 && high > 1) covered.push(`${name} ${sheet.columns}: "${a.text}" and "${b.text}"`);
      }
    });
  }
  return covered;
}

const SWEEP = [
  'scenario,strategy,policy,memory,qemu,seed,run,status,converged,total_time_ms,downtime_ms,writers_work_done_share,readers_work_done_share,link.bandwidth,guest.memory',
  ...['1Gbit/s', '10Gbit/s', '100Gbit/s'].flatMap((bandwidth, step) =>
    ['4GiB', '8GiB'].flatMap((memory) =>
      [1, 2].flatMap((run) => [
        `s,none,wait,page,10.0,1,${run},${step === 0 ? 'gave-up,false' : 'completed,true'},${60000 / (step + 1) + run},${step === 0 ? '' : 20 + run},0.99,1,${bandwidth},${memory}`,
        `s,auto-converge,wait,page,10.0,1,${run},completed,true,${30000 / (step + 1) + 100 * run},${30 + run},0.8,0.8,${bandwidth},${memory}`,
      ]),
    ),
  ),
].join('\n');

const VALIDATION = [
  'id,strategy,measured_status,measured_totalTimeMs,measured_downtimeMs,predicted_status,predicted_totalTimeMs,predicted_totalTimeMsP5,predicted_totalTimeMsP95,predicted_downtimeMs',
  'R1,none,completed,10000,20,completed,10500,10100,10900,21',
  'R2,auto-converge,completed,40000,40,completed,60000,55000,65000,38',
  'R3,none,not-converged,60000,,not-converged,60000,60000,60000,',
].join('\n');

describe('from a results folder', () => {
  test('everything is drawn that the data allow, and nothing that they do not', () => {
    const names = drawingsOf(SHEETS.two).map(({ name }) => name);
    expect(names).toEqual([
      'strategies',
      'pareto',
      'success',
      'cdf',
      'convergence',
      'guest-work',
      'vcpu-time',
      ...['none', 'auto-converge', 'auto-converge-1', 'dirty-limit-2'].map((slug) => `timeline-${slug}`),
      ...['none', 'auto-converge', 'auto-converge-1', 'dirty-limit-2'].map((slug) => `passes-${slug}`),
    ]);
  });

  test.each(WIDTHS)('the same data give the same bytes: %s column(s)', async (_, sheet) => {
    const again = await readResults(smallResults(), ALL);
    const bytes = (drawings: readonly Drawing[]): string[] => drawings.map(({ svg }) => svg);
    expect(bytes(drawAll(figures, again, sheet))).toEqual(bytes(drawingsOf(sheet)));
  });

  test.each(WIDTHS)(
    'every drawing stands by itself, in its column, in the font that ships: %s',
    (_, sheet) => {
      for (const { name, svg } of drawingsOf(sheet)) {
        expect([name, svg.slice(0, 39)]).toEqual([name, '<svg xmlns="http://www.w3.org/2000/svg"']);
        expect(svg).toContain(`width="${sheet.mm}mm"`);
        // All text is inside the root, which names the font; nothing names another one.
        expect(svg).toContain(`font-family="${FONT_FAMILY}"`);
        expect(svg.match(/font-family/g)).toHaveLength(1);
        expect(svg).not.toMatch(/NaN|Infinity|undefined|null|<style|<script|href/);
      }
    },
  );

  test.each(WIDTHS)('no word leaves the drawing: %s', (_, sheet) => {
    const outside: string[] = [];
    for (const { name, svg } of drawingsOf(sheet)) {
      for (const { left, right, text } of horizontalTexts(svg, sheet.font)) {
        if (left < -0.5 || right > sheet.width + 0.5) outside.push(`${name}: "${text}" ${left}..${right}`);
      }
    }
    expect(outside).toEqual([]);
  });

  test('no two words of a drawing cover each other', () => {
    const covered = WIDTHS.flatMap(([, sheet]) => coveredWords(drawingsOf(sheet), sheet));
    expect(covered).toEqual([]);
  });

  test('options of strategies go into notes, and the short name has their number', () => {
    const { svg } = named('strategies');
    expect(words(svg)).toEqual(
      expect.arrayContaining(['none', 'auto-converge', 'auto-converge [1]', 'dirty-limit [2]']),
    );
    expect(words(svg).join(' ')).toContain('[1] cpu-throttle-initial=50; [2] vcpu-dirty-limit=50MiB/s');
  });

  test('bars: a value for what converged, a hollow bound for what did not, an interval each', () => {
    const { svg } = named('strategies');
    // 5 or 6 panels; in each, three strategies that converged, and "none" where it has a value.
    const panels = words(svg).filter((word) => /\((s|ms|GiB|%)\)$/.test(word)).length;
    const rectangles = (kind: string): number => {
      const groups = [...svg.matchAll(new RegExp(`<g[^>]*aria-description="${kind}"[^>]*>(.*?)</g>`, 'gs'))];
      return groups.reduce((sum, group) => sum + (group[1]!.match(/<rect /g) ?? []).length, 0);
    };
    expect(panels).toBe(6);
    expect(rectangles('value')).toBe(3 * panels);
    expect(rectangles('bound')).toBe(4);
    expect(words(svg)).toContain('no switchover');
    expect(words(svg).some((word) => word.startsWith('&gt; 40'))).toBe(true);
  });

  test('the success ratio counts runs', () => {
    const texts = words(named('success').svg);
    expect(texts.filter((word) => word === `${RUNS} of ${RUNS}`)).toHaveLength(3);
    expect(texts).toContain(`0 of ${RUNS}`);
  });

  test('the timeline marks every sync, and every step of the throttle', () => {
    const syncs = results.syncs.filter((row) => row['strategy'] === 'auto-converge');
    const throttles = syncs.map((row) => row['throttle_percent']);
    const steps = throttles.filter((percent, index) => percent !== (throttles[index - 1] ?? 0)).length;
    const { svg } = named('timeline-auto-converge');
    expect(steps).toBeGreaterThan(1);
    expect(svg.match(/<polygon /g)).toHaveLength(steps);
    expect(svg.match(/<line [^>]*stroke-width="0.8" stroke-opacity="0.7"/g)).toHaveLength(syncs.length);
    for (const title of [
      'Remaining (MiB)',
      'Sent (MiB)',
      'Rates (MiB/s)',
      'Implied downtime (ms), log scale',
      'CPU throttle (%)',
    ]) {
      expect(words(svg)).toContain(title);
    }
    expect(words(named('timeline-dirty-limit-2').svg)).toContain('Sleep at a full ring (ms)');
  });

  test('guest work: a line a vCPU, writers and readers in frames of their own', () => {
    const { svg } = named('guest-work');
    const texts = words(svg);
    expect(texts).toEqual(
      expect.arrayContaining(['none, writers', 'none, readers', 'dirty-limit [2], readers']),
    );
    expect(svg.match(/aria-description="vCPU 0"/g)).toHaveLength(4);
    expect(svg.match(/aria-description="vCPU 1"/g)).toHaveLength(4);
    expect(texts.filter((word) => word === 'writer 0')).toHaveLength(4);
    expect(texts.filter((word) => word === 'reader 1')).toHaveLength(4);
  });

  // 48 writers between 21 % and 68 % in steps of one: none lies on its neighbour, and the median is that of the middle two.
  test.each(WIDTHS)('of many vCPUs the median and the extremes are named, in %s column(s)', (_, sheet) => {
    const many = { ...results, runs: [], vcpus: [], syncs: [], timeline: [], vcpuTimeline: crowd(48) };
    const { svg } = named('guest-work', sheet, many);
    expect(svg.match(/aria-description="vCPU \d+"/g)).toHaveLength(48 + 16);
    expect(svg.match(/aria-description="median"/g)).toHaveLength(2);
    const labels = words(svg).filter((word) => /^(hot|warm|reader)\b/.test(word));
    expect(labels.sort()).toEqual(
      ['hot 0', 'hot 23', 'hot, median', 'reader 48–63', 'warm 24', 'warm 47', 'warm, median'].sort(),
    );
    for (const { left, right } of horizontalTexts(svg, sheet.font)) {
      expect(left).toBeGreaterThanOrEqual(0);
      expect(right).toBeLessThanOrEqual(sheet.width);
    }
    expect(coveredWords([{ name: 'many', caption: '', svg }], sheet)).toEqual([]);
  });

  test('results from before there was vcpu-timeline.csv are drawn from timeline.csv', () => {
    const texts = words(named('guest-work', SHEETS.two, { ...results, vcpuTimeline: [] }).svg);
    // dirty-limit limits the writer alone; auto-converge throttles both, and none nobody.
    expect(texts.filter((word) => word === 'readers')).toHaveLength(1);
    expect(texts.filter((word) => word === 'and readers')).toHaveLength(3);
  });

  test('the front has only strategies that no other beats in time and in work', () => {
    const { svg } = named('pareto');
    expect(svg.match(/aria-description="front"/g)).toHaveLength(2);
    expect(words(svg)).not.toContain('none');
  });

  test('several scenarios are drawn apart, with their names', async () => {
    const other = results.runs.map((row) => ({ ...row, scenario: 'other' }));
    const names = drawAll(figures, { ...results, runs: [...results.runs, ...other] }, SHEETS.one).map(
      ({ name }) => name,
    );
    expect(names).toEqual(
      expect.arrayContaining(['small-quick-strategies', 'other-strategies', 'other-pareto']),
    );
    expect(names).not.toContain('other-convergence');
  });

  test('a strategy and a run can be chosen', async () => {
    const chosen = await readResults(smallResults(), { strategies: ['none'], run: 2 });
    expect(new Set(chosen.timeline.map((row) => row['run']))).toEqual(new Set([2]));
    expect(drawAll(figures, chosen, SHEETS.two).map(({ name }) => name)).toEqual([
      'guest-work',
      'vcpu-time',
      'timeline-none',
      'passes-none',
    ]);
  });
});

describe('from other files', () => {
  test('a sweep: one drawing a combination of the other parameters, lines with gaps where nothing converged', async () => {
    const sweep = await readResults(file('runs.csv', SWEEP), ALL);
    const drawings = drawAll(figures, sweep, SHEETS.two);
    expect(drawings.map(({ name }) => name)).toEqual([
      'sweep-link-bandwidth-guest-memory-4gib',
      'sweep-link-bandwidth-guest-memory-8gib',
      // What a strategy costs and takes, cell by cell.
      'pareto-link-bandwidth-10gbit-s-guest-memory-4gib',
      'pareto-link-bandwidth-10gbit-s-guest-memory-8gib',
      'pareto-link-bandwidth-100gbit-s-guest-memory-4gib',
      'pareto-link-bandwidth-100gbit-s-guest-memory-8gib',
    ]);
    const { svg } = drawings[0]!;
    expect(words(svg)).toEqual(
      expect.arrayContaining(['guest.memory 4GiB', '1Gbit/s', '10Gbit/s', '100Gbit/s', 'link.bandwidth']),
    );
    // Three bandwidths in equal ratios stand at equal distances: the axis is logarithmic.
    const places = ['1Gbit/s', '10Gbit/s', '100Gbit/s'].map((word) => {
      const [, x] = new RegExp(`translate\\(([\\d.]+),[\\d.]+\\)"[^>]*>${word}<`).exec(svg) ?? [];
      return Number(x);
    });
    expect(places[1]! - places[0]!).toBeCloseTo(places[2]! - places[1]!, 0);
    // "none" converged at two of three bandwidths: its line of the total time begins at the second.
    const [, line] = /aria-description="none"[^>]*>\s*<path d="([^"]*)"/.exec(svg) ?? [];
    expect(line!.match(/[ML]/g)).toHaveLength(2);
  });

  test('a sweep of an option of a strategy is one line, and keys that move together are one axis', async () => {
    const rows = [20, 40, 80].map(
      (percent, step) =>
        `s,auto-converge(cpu-throttle-initial=${percent}),1,completed,true,${1000 * (step + 1)},${percent},${2 * percent}`,
    );
    const text = ['scenario,strategy,run,status,converged,total_time_ms,a.initial,b.twice', ...rows].join(
      '\n',
    );
    const drawings = drawAll(figures, await readResults(file('options.csv', text), ALL), SHEETS.one);
    expect(drawings.map(({ name }) => name)).toEqual(['sweep-a-initial-b-twice']);
    const [, line] =
      /aria-description="auto-converge"[^>]*>\s*<path d="([^"]*)"/.exec(drawings[0]!.svg) ?? [];
    expect(line!.match(/[ML]/g)).toHaveLength(3);
    expect(words(drawings[0]!.svg)).toContain('a.initial + b.twice');
  });

  test('a validation: the diagonal, the lines at 10 %, and the names of those beyond', async () => {
    const validation = await readResults(file('validation.csv', VALIDATION), ALL);
    const [drawing, ...others] = drawAll(figures, validation, SHEETS.one);
    expect(others).toEqual([]);
    const { svg } = drawing!;
    expect(svg.match(/aria-description="10 % off"/g)).toHaveLength(4);
    expect(words(svg)).toContain('R2');
    expect(words(svg)).not.toContain('R1');
    // |10.5 - 10| / 10 = 5 % and |60 - 40| / 40 = 50 %: mean and median 27.5 %.
    expect(words(svg).join(' ')).toContain('total time 28 / 28 / 46');
  });

  test('what is no result is refused with its place', async () => {
    const refused = async (name: string, text: string): Promise<string> => {
      const full = file(name, text);
      try {
        await readResults(full, ALL);
      } catch (error) {
        return (error as Error).message.replace(full, name);
      }
      return 'accepted';
    };
    const header = SWEEP.split('\n')[0]!;
    const good = SWEEP.split('\n')[1]!;
    expect(await refused('a.csv', 'x,y\n1,2\n')).toMatch(/^a\.csv:1: not a result of migsim: .*found x, y$/);
    expect(await refused('b.csv', '')).toBe('b.csv: the file is empty; expected a CSV of migsim');
    expect(await refused('c.csv', `${header}\n${good}\n${good.slice(0, 60)}`)).toMatch(
      /^c\.csv:3: \d+ fields where the header has 15: is the file truncated\?$/,
    );
    expect(await refused('d.csv', `${header}\n${good.replace(/,60001,/, ',sixty,')}\n`)).toBe(
      'd.csv:2: total_time_ms: expected a number, found "sixty"',
    );
    expect(await refused('e.csv', `${header}\n`)).toBe('e.csv: no rows in it');
    await expect(readResults(path.join(folder, 'nowhere'), ALL)).rejects.toThrow(
      'no such file or folder; expected a folder that --out has written',
    );
    await expect(readResults(smallResults(), { strategies: ['nobody'] })).rejects.toThrow(
      'no rows of nobody in it',
    );
  });
});

describe('PNG', () => {
  test('has 300 dots an inch, and ink where the words are', () => {
    const { svg } = named('success', SHEETS.one);
    const png = pngOf(svg, SHEETS.one);
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    // 85 mm are 3.35 inches.
    expect(png.readUInt32BE(16)).toBe(Math.round((SHEETS.one.width * 300) / 96));
    expect(pngOf(svg, SHEETS.one).equals(png)).toBe(true);
    const without = pngOf(svg.replaceAll(/>[^<]+<\/text>/g, '></text>'), SHEETS.one);
    expect(without.equals(png)).toBe(false);
  });

  test('the font measures words as the renderer draws them', () => {
    for (const word of ['auto-converge [1]', 'Work lost by writers (%)', '± 95 % ≥ µs', '1\u2009200']) {
      // A rectangle on both ends, as bounding boxes are of ink and not of advances.
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="900" height="100"><text x="10" y="50" font-family="DejaVu Sans" font-size="40">|${word}|</text></svg>`;
      const box = new Resvg(svg, { font: { fontFiles: [fontFile()], loadSystemFonts: false } }).getBBox()!;
      const bar = textWidth('|', 40);
      expect(box.width).toBeGreaterThan(textWidth(word, 40));
      expect(box.width).toBeLessThan(textWidth(word, 40) + 2 * bar);
    }
  });
});

describe('axes', () => {
  test('begin at 0 and end at a round number that no value exceeds', () => {
    expect(fromZero([0.2, 99.3], 4)).toEqual({ domain: [0, 100], ticks: [0, 20, 40, 60, 80, 100] });
    expect(fromZero([0], 4)).toEqual({ domain: [0, 1], ticks: [0, 0.2, 0.4, 0.6, 0.8, 1] });
    expect(fromZero([0.30000000000000004], 3).ticks).toEqual([0, 0.1, 0.2, 0.3]);
  });

  test('are exact where they should be', () => {
    expect(exact(0, 99.3, 4)).toEqual({ domain: [0, 99.3], ticks: [0, 20, 40, 60, 80] });
  });

  test('are logarithmic from an order of magnitude on', () => {
    expect(fitting([1, 5], 4).log).toBeUndefined();
    expect(fitting([1, 50], 4).log).toBe(true);
    expect(logarithmic([1, 1000], 4).ticks).toEqual([1, 10, 100, 1000]);
    expect(logarithmic([20, 300], 4).ticks).toEqual([30, 100, 300]);
    // Twelve decades do not fit on four ticks.
    expect(logarithmic([1, 1e12], 4).ticks.length).toBeLessThanOrEqual(5);
  });
});

test('units of varied parameters become numbers, words do not', () => {
  expect(asNumbers(['1Gbit/s', '400MiB/s'])).toEqual([1e9 / 8, 400 * 2 ** 20]);
  expect(asNumbers(['100ms', '2s'])).toEqual([1e5, 2e6]);
  expect(asNumbers(['4', '0.5'])).toEqual([4, 0.5]);
  expect(asNumbers(['4GiB', '2s'])).toBeNull();
  expect(asNumbers(['zstd', 'none'])).toBeNull();
});

test('49 looks are told apart', () => {
  const looks = Array.from({ length: 49 }, (_, index) => JSON.stringify(lookOf(index)));
  expect(new Set(looks).size).toBe(49);
});

test('thinning keeps the ends, and every bin its lowest and highest point', () => {
  const points = Array.from({ length: 10_000 }, (_, x) => ({
    x,
    y: x === 4321 ? 100 : x === 8765 ? -100 : x % 7,
  }));
  const kept = thin(points, 50);
  expect(kept.length).toBeLessThanOrEqual(200);
  expect(kept[0]).toEqual(points[0]);
  expect(kept.at(-1)).toEqual(points.at(-1));
  expect(kept).toContainEqual({ x: 4321, y: 100 });
  expect(kept).toContainEqual({ x: 8765, y: -100 });
  expect(kept.every((point, index) => index === 0 || point.x > kept[index - 1]!.x)).toBe(true);
});

describe('pages of a pass', () => {
  test('add up to the run: all of RAM once, the rest again', () => {
    const syncs = [
      { remainingBefore: 0, remaining: 100 },
      { remainingBefore: 0, remaining: 40 },
      { remainingBefore: 10, remaining: 30 },
    ];
    const passes = passBytes(syncs, { totalRam: 100, zero: 25, remaining: 0 });
    expect(passes).toEqual([
      { zero: 25, first: 75, again: 0 },
      { zero: 0, first: 0, again: 30 },
      { zero: 0, first: 0, again: 30 },
    ]);
  });

  test('end where a run was given up in its first pass', () => {
    const [pass] = passBytes([{ remainingBefore: 0, remaining: 100 }], {
      totalRam: 100,
      zero: 60,
      remaining: 70,
    });
    expect(pass).toEqual({ zero: 30, first: 0, again: 0 });
  });

  test('agree with the counters of a real run', () => {
    for (const run of results.runs.filter((row) => row['run'] === 1)) {
      const syncs = results.syncs.filter((row) => row['strategy'] === run['strategy']);
      const passes = passBytes(
        syncs.map((sync) => ({
          remainingBefore: Number(sync['remaining_before_bytes']),
          remaining: Number(sync['remaining_bytes']),
        })),
        {
          totalRam: Number(run['total_ram_bytes']),
          zero: Number(run['zero_pages']) * 4096,
          remaining: Number(run['remaining_bytes']),
        },
      );
      const pages = passes.reduce((sum, { zero, first, again }) => sum + zero + first + again, 0) / 4096;
      expect(Math.abs(pages - Number(run['normal_pages']) - Number(run['zero_pages']))).toBeLessThanOrEqual(
        1,
      );
    }
  });
});

interface Placed {
  readonly text: string;
  readonly left: number;
  readonly right: number;
  readonly base: number;
}

/** Where each text stands: `x`, `y` or a translation, its anchor (its own, its group's or the middle) and its width. */
function horizontalTexts(svg: string, font: number): Placed[] {
  const placed: Placed[] = [];
  let group = { anchor: 'start', x: 0, y: 0 };
  const stack: (typeof group)[] = [];
  for (const match of svg.matchAll(/<g\b([^>]*?)(\/?)>|<\/g>|<text\b([^>]*)>([^<]*)<\/text>/g)) {
    const [whole, opening, empty, attributes, content] = match;
    if (whole === '</g>') group = stack.pop()!;
    else if (opening !== undefined && attributes === undefined) {
      if (empty === '/') continue;
      stack.push(group);
      const [dx, dy] = translation(opening);
      group = { anchor: attribute(opening, 'text-anchor') ?? group.anchor, x: group.x + dx, y: group.y + dy };
    } else {
      const [dx, dy] = translation(attributes!);
      const size = Number(attribute(attributes!, 'font-size') ?? font);
      const text = content!.replaceAll('&gt;', '>').replaceAll('&lt;', '<').replaceAll('&amp;', '&');
      const width = textWidth(text, size);
      const x = group.x + dx + Number(attribute(attributes!, 'x') ?? 0);
      const own = attribute(attributes!, 'y') ?? '0';
      const y = group.y + dy + (own.endsWith('em') ? Number(own.slice(0, -2)) * size : Number(own));
      const anchor = attribute(attributes!, 'text-anchor') ?? group.anchor;
      const left = anchor === 'start' ? x : anchor === 'end' ? x - width : x - width / 2;
      placed.push({ text, left, right: left + width, base: y });
    }
  }
  return placed;
}

function attribute(text: string, name: string): string | undefined {
  return new RegExp(`(?:^|\\s)${name}="([^"]*)"`).exec(text)?.[1];
}

function translation(attributes: string): [number, number] {
  const [, x, y] = /transform="translate\(([-\d.]+),([-\d.]+)\)"/.exec(attributes) ?? [];
  return [Number(x ?? 0), Number(y ?? 0)];
}

test('what the tests read is the real thing', () => {
  expect(readFileSync(path.join(smallResults(), 'runs.csv'), 'utf8').split('\n').length).toBe(4 * RUNS + 2);
  expect(
    horizontalTexts(
      '<g text-anchor="end" transform="translate(5,0)"><text transform="translate(10,20)" y="1em">ab</text></g>',
      10,
    ),
  ).toEqual([{ text: 'ab', left: 15 - textWidth('ab', 10), right: 15, base: 30 }]);
});
