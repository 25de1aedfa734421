import { expect, test } from '@jest/globals';
import { sweep } from '../../src/api/sweep.js';
import { sweepText } from '../../src/report/terminal/sweep-text.js';
import { loadScenario } from '../../src/scenario/load.js';
import { plain } from '../../src/report/terminal/kit/style.js';

test('the table of a sweep fits the page it is for, and explains the columns that it has', async () => {
  const swept = await sweep(await loadScenario('test/cli/small.yaml'), {
    vary: [{ 'link.bandwidth': ['1Gbit/s', '2Gbit/s'] }, { 'migration.downtime-limit': ['100ms', '300ms'] }],
    runs: 3,
    memory: 'fluid',
  });
  const keys = ['link.bandwidth', 'migration.downtime-limit'];
  for (const width of [200, 110, 100, 90, 80, 70, 60]) {
    const lines = sweepText(keys, swept.cells, null, { width, style: plain }).split('\n');
    expect([width, Math.max(...lines.map(({ length }) => length)) <= width]).toEqual([width, true]);
    const head = lines.slice(0, lines.indexOf('')).join('\n');
    const notes = lines.slice(lines.indexOf('')).join(' ');
    expect(head).toMatch(/strategy +success +total/);
    expect([width, /90 %/.test(head)]).toEqual([width, notes.includes('90 % band')]);
    expect([width, /\bwork\b/.test(head)]).toEqual([width, notes.includes('Work:')]);
    expect([width, /\bheld\b/.test(head)]).toEqual([width, notes.includes('while held')]);
  }
});
