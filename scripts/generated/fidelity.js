/** What docs/fidelity.md shows of `migsim validate recordings/tcg`: one table per mechanism. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { validateRecordings } from '../../dist/recording/validate/validate.js';
import { fill } from './fill.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RUNS = 5;

/** Nothing where the page is not there to be filled. */
export function files() {
  if (!existsSync(`${ROOT}/docs/fidelity.md`)) return {};
  const page = readFileSync(`${ROOT}/docs/fidelity.md`, 'utf8');
  const validation = validateRecordings([`${ROOT}/recordings/tcg`], { runs: RUNS });
  return { 'docs/fidelity.md': fill(page, 'validate recordings/tcg', tables(validation)) };
}

const seconds = (ms) => (ms / 1000).toFixed(1);
const whole = (value) => value.toFixed(0);
const mib = (bytes) => (bytes / 2 ** 20).toFixed(bytes < 2 ** 20 ? 2 : 0);

/** Name, head of the column, how it is written. */
const EVERYWHERE = [
  ['totalTimeMs', 'total, s', seconds],
  ['dirtySyncCount', 'syncs', whole],
  ['transferredBytes', 'sent, MiB', mib],
  ['downtimeMs', 'downtime, ms', whole],
  ['blackoutMs', 'blackout, ms', whole],
];

/** By the first letter of the recording: heading and the columns of its own. */
const MECHANISMS = {
  P: ['Plain pre-copy', [['zeroPages', 'zero pages', whole]]],
  A: ['Auto-converge', ['steps']],
  X: [
    'XBZRLE',
    [
      ['xbzrlePages', 'pages', whole],
      ['xbzrleBytes', 'MiB', mib],
      ['xbzrleCacheMiss', 'misses', whole],
      ['xbzrleOverflow', 'overflows', whole],
    ],
  ],
  M: ['multifd', [['multifdBytes', 'multifd, MiB', mib]]],
  C: [
    'Post-copy',
    [
      ['postcopyMs', 'post-copy, ms', whole],
      ['postcopyBytes', 'post-copy, MiB', mib],
      ['postcopyRequests', 'requests', whole],
      ['postcopyBlockedMs', 'blocked, ms', whole],
    ],
  ],
  R: ['Parameters changed on the way', []],
  S: ['Pause before the switchover, cancel, stop', []],
};

function tables({ recordings, summary }) {
  const parts = Object.entries(MECHANISMS).map(([letter, [heading, own]]) => {
    const of = recordings.filter(({ id }) => id.startsWith(letter));
    return of.length === 0 ? '' : `#### ${heading}\n\n${table(of, [...EVERYWHERE, ...own])}`;
  });
  return [overall(summary), ...parts].filter((part) => part !== '').join('\n\n');
}

function overall({ recordings, rightVerdicts, throttleSteps, errors }) {
  const off = (name) => `${percent(errors[name].median)}, ${percent(errors[name].p90)} of ${errors[name].of}`;
  const rows = [
    [
      'verdict: completed, not converged, cancelled',
      `${Math.round(rightVerdicts * recordings)} of ${recordings}`,
    ],
    ['auto-converge steps at their sync, one of slack', `${throttleSteps.right} of ${throttleSteps.of}`],
    ...[
      ['total time', 'totalTimeMs'],
      ['data sent', 'transferredBytes'],
      ['downtime', 'downtimeMs'],
      ['blackout', 'blackoutMs'],
      ['multifd bytes', 'multifdBytes'],
      ['XBZRLE pages', 'xbzrlePages'],
      ['XBZRLE bytes', 'xbzrleBytes'],
      ['XBZRLE misses', 'xbzrleCacheMiss'],
      ['length of post-copy', 'postcopyMs'],
      ['bytes in post-copy', 'postcopyBytes'],
      ['pages requested', 'postcopyRequests'],
      ['time blocked on pages', 'postcopyBlockedMs'],
    ].map(([label, name]) => [`${label}: median, 90th percentile`, off(name)]),
  ];
  return ['| | reached |', '| --- | --- |', ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n');
}

function percent(share) {
  return share === null ? '-' : `${(share * 100).toFixed(1)} %`;
}

/** Each cell: measured, predicted. */
function table(recordings, columns) {
  const shown = columns.filter(
    (column) =>
      column === 'steps' || recordings.some(({ measured }) => (measured[column[0]] ?? null) !== null),
  );
  const heads = [
    'recording',
    'ended',
    ...shown.map((column) => (column === 'steps' ? 'steps (sync:%)' : column[1])),
  ];
  const rows = recordings.map((one) => [
    one.id,
    pair(one.measured.status, one.predicted.status),
    ...shown.map((column) => (column === 'steps' ? steps(one) : cell(one, column))),
  ]);
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

function cell({ measured, predicted }, [name, , write]) {
  const [real, guess] = [measured[name], predicted.figures[name].median];
  return real === null ? '-' : `${write(real)}, ${guess === null ? '-' : write(guess)}`;
}

function pair(real, guess) {
  const word = { completed: 'yes', 'not-converged': 'no', cancelled: 'cancelled' };
  return real === guess ? word[real] : `${word[real]}, **${word[guess]}**`;
}

function steps({ measured, predicted }) {
  const write = (ladder) => ladder.map(({ sync, percent: share }) => `${sync}:${share}`).join(' ') || '-';
  const [real, guess] = [write(measured.throttleSteps), write(predicted.throttleSteps)];
  return real === guess ? `${real}, the same` : `${real}, ${guess}`;
}
