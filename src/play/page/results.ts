/** What the terminal prints, as parts of the page: verdicts, the comparison, reasons, work, decisions. */
import type { Bands } from '../bands.js';
import type { TableView } from '../protocol.js';
import type { StrategyView, VcpuView } from '../view.js';
import { fill, h, svg } from './dom.js';
import { strokeOf, swatch } from './looks.js';

/** A card a strategy: whether it converges, and the figures that matter first. */
export function showVerdicts(
  holder: HTMLElement,
  views: readonly StrategyView[],
  bands: Bands | null,
  onToggle: (label: string, isShown: boolean) => void,
): void {
  fill(
    holder,
    ...views.map((view, index) => {
      const shown = h('input', {
        type: 'checkbox',
        checked: true,
        'aria-label': `Show ${view.label} in the charts`,
      });
      shown.addEventListener('change', () => onToggle(view.label, shown.checked));
      const drawn = bands?.strategies[index];
      const share =
        drawn === undefined || drawn.runs === 0
          ? null
          : h('p', { class: 'quiet' }, `converges in ${drawn.converged} of ${drawn.runs} drawn runs`);
      return h(
        'li',
        { class: view.converged ? 'verdict' : 'verdict no' },
        h('h2', {}, h('label', {}, shown, swatch(index), ' ', ...labelParts(view.label))),
        h('p', { class: 'outcome' }, view.outcome),
        h(
          'dl',
          {},
          ...view.figures.map(([label, text]) => h('div', {}, h('dt', {}, label), h('dd', {}, text))),
        ),
        share,
      );
    }),
  );
}

/** The name, and its options in small print. */
function labelParts(label: string): (Node | string)[] {
  const [, name = label, options] = /^([^(]+)\((.*)\)$/s.exec(label) ?? [];
  return options === undefined
    ? [name]
    : [name, h('small', { class: 'options' }, options.replaceAll(';', ', '))];
}

/** The table of `compare`, with the same words. */
export function showTable(holder: HTMLElement, table: TableView): void {
  const [name = '', ...conditions] = table.heading;
  const names = table.heads.map((head) => head.replaceAll('\n', ' '));
  const head = h(
    'tr',
    {},
    h('td', {}),
    ...names.map((text, index) => h('th', { scope: 'col' }, swatch(index), ' ', text)),
  );
  const rows = table.rows.map(({ label, cells }) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, label),
      ...cells.map(({ text, best, bad }) =>
        h('td', { class: bad ? 'no' : best ? 'best' : null }, best ? `${text}*` : text),
      ),
    ),
  );
  fill(
    holder,
    h('p', { class: 'quiet' }, h('strong', {}, name), ' – ', conditions.join(' ')),
    h(
      'div',
      { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Comparison of the strategies' },
      h('table', { class: 'results' }, h('thead', {}, head), h('tbody', {}, ...rows)),
    ),
    ...table.notes.map((note) => h('p', { class: 'quiet' }, note)),
    ...table.certainty.map((line) => h('p', {}, line)),
  );
}

/** Where it stalls and why. */
export function showWhy(holder: HTMLElement, { why }: TableView): void {
  fill(
    holder,
    why.length === 0
      ? h('p', {}, 'Every strategy converged.')
      : h('ul', {}, ...why.map((sentence) => h('li', {}, sentence))),
  );
}

/** More vCPUs are not drawn one by one. */
const MOST_BARS = 96;
const BAR = 9;
const HEIGHT = 44;

/** A bar a vCPU: work done, against a run without migration. */
export function showWork(holder: HTMLElement, views: readonly StrategyView[]): void {
  fill(
    holder,
    ...views.map((view, index) =>
      h(
        'figure',
        { class: 'work' },
        h('figcaption', {}, swatch(index), ' ', view.label),
        bars(view.vcpus.slice(0, MOST_BARS), `${view.label}: ${summary(view)}`),
        h('p', { class: 'quiet' }, summary(view)),
      ),
    ),
  );
}

function summary({ vcpus, figures }: StrategyView): string {
  const work = figures
    .filter(([label]) => label.startsWith('work'))
    .map(([label, text]) => `${label} ${text}`);
  const more = vcpus.length > MOST_BARS ? `; the first ${MOST_BARS} of ${vcpus.length} vCPUs` : '';
  return work.join(', ') + more;
}

function bars(vcpus: readonly VcpuView[], label: string): SVGSVGElement {
  const width = Math.max(1, vcpus.length) * BAR;
  const drawing = svg('svg', {
    viewBox: `0 0 ${width} ${HEIGHT}`,
    width,
    height: HEIGHT,
    role: 'img',
    'aria-label': label,
  });
  vcpus.forEach(({ workDone, writes, text }, index) => {
    const x = index * BAR + 1;
    const share = workDone ?? 0;
    const tall = Math.max(1, share * HEIGHT);
    drawing.append(
      svg('rect', { class: 'full', x, y: 0, width: BAR - 2, height: HEIGHT }, svg('title', {}, text)),
      svg(
        'rect',
        { x, y: HEIGHT - tall, width: BAR - 2, height: tall, fill: strokeOf(writes ? 1 : 0) },
        svg('title', {}, text),
      ),
    );
  });
  return drawing;
}

/** Every decision of a strategy, for those who do not point. */
export function showDecisions(holder: HTMLElement, views: readonly StrategyView[]): void {
  const open = new Set(
    [...holder.querySelectorAll('details[open]')].map((one) => one.getAttribute('data-label')),
  );
  fill(
    holder,
    ...views.map((view, index) => {
      const list = h('details', { 'data-label': view.label, open: open.has(view.label) });
      list.append(
        h('summary', {}, swatch(index), ` ${view.label}: ${view.decisions.length + view.unlisted} decisions`),
      );
      const write = (): void => {
        if (!list.open || list.querySelector('ol') !== null) return;
        const items = view.decisions.map(({ time, text }) =>
          h('li', {}, h('b', {}, `${time.toFixed(3)} s`), ` ${text}`),
        );
        list.append(h('ol', { class: 'decisions' }, ...items));
        if (view.unlisted > 0) list.append(h('p', { class: 'quiet' }, `and ${view.unlisted} more`));
      };
      list.addEventListener('toggle', write);
      write();
      return list;
    }),
  );
}
