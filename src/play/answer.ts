/** Answers the page's questions, a piece at a time: between two pieces a worker can hear that the answer is no longer wanted. */
import { UsageError } from '../errors.js';
import { compare, type Comparison, type StrategyResults } from '../experiment/compare.js';
import { refuseImpossible, simulate } from '../experiment/simulate.js';
import type { MigrationResult } from '../migration/result.js';
import { resultTables } from '../report/columns.js';
import { csvHeader, csvRows } from '../report/files/csv-text.js';
import { certaintyLines } from '../report/terminal/kit/certainty.js';
import { comparisonRows, whyNotText } from '../report/terminal/comparison-rows.js';
import { heading } from '../report/terminal/kit/heading.js';
import { plain } from '../report/terminal/kit/style.js';
import { counted } from '../report/terminal/kit/text.js';
import { parseScenario } from '../scenario/parse.js';
import type { Scenario, StrategyChoice } from '../scenario/scenario.js';
import { BandCollector } from './bands.js';
import { learnAnswer } from './learn-answer.js';
import { mapAnswers } from './map.js';
import type { Answer, Ask, AskCsv, AskDraws, AskRuns, TableView } from './protocol.js';
import { strategyView } from './view.js';

/** Period of the curves, ms: that of timeline.csv. */
const TIMELINE_MS = 100;

/** Ends with `end`, or with `wrong` where the user can mend it. */
export function* answers(ask: Ask): Generator<Answer> {
  try {
    yield* piecesOf(ask);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    yield { kind: 'wrong', message: error.message };
    return;
  }
  yield { kind: 'end' };
}

function* piecesOf(ask: Ask): Generator<Answer> {
  switch (ask.kind) {
    case 'runs':
      yield* runAnswers(ask);
      return;
    case 'draws':
      yield* drawAnswers(ask);
      return;
    case 'map':
      yield* mapAnswers(ask);
      return;
    case 'csv':
      yield csvAnswer(ask);
      return;
    case 'learn':
      yield learnAnswer(ask);
  }
}

function* runAnswers(ask: AskRuns): Generator<Answer> {
  const scenario = parseScenario(ask.text, ask.file);
  const { strategies } = scenario;
  const labels = strategies.map(({ label }) => label);
  const how = { seed: ask.seed, memory: ask.memory, timelineMs: TIMELINE_MS };
  refuseImpossible(scenario, strategies, how);
  const results: StrategyResults[] = [];
  for (const [index, strategy] of strategies.entries()) {
    if (ask.memory === 'page') yield { kind: 'progress', labels, done: index, simulatedS: 0 };
    const result = simulate(scenario, strategy, { ...how, draw: false, trace: true });
    results.push({ strategy, results: [result] });
    yield { kind: 'strategy', index, view: strategyView(result) };
  }
  yield tableAnswer(scenario, ask, results, 1);
}

function* drawAnswers(ask: AskDraws): Generator<Answer> {
  const scenario = parseScenario(ask.text, ask.file);
  const { strategies } = scenario;
  const collector = new BandCollector(
    strategies.map(({ label }) => label),
    ask.endS,
  );
  const all = strategies.map((strategy): { strategy: StrategyChoice; results: MigrationResult[] } => ({
    strategy,
    results: [],
  }));
  const how = { seed: ask.seed, memory: ask.memory, timelineMs: TIMELINE_MS, draw: true };
  for (let run = 1; run <= ask.runs; run++) {
    for (const [index, { strategy, results }] of all.entries()) {
      const result = simulate(scenario, strategy, { ...how, run });
      collector.add(index, result);
      results.push({ ...result, syncs: [], timeline: [], decisions: [] });
      // A user who moved a slider does not wait for the other strategies.
      yield { kind: 'progress', labels: [], done: run, simulatedS: 0 };
    }
    if (run <= 8 || run % 4 === 0 || run === ask.runs)
      yield { kind: 'bands', bands: collector.bands(), of: ask.runs };
  }
  yield tableAnswer(scenario, ask, all, ask.runs);
}

function tableAnswer(
  scenario: Scenario,
  { seed, memory }: Pick<AskRuns, 'seed' | 'memory'>,
  strategies: readonly StrategyResults[],
  runs: number,
): Answer {
  const comparison: Comparison = { scenario, policy: scenario.policy, memory, seed, runs, strategies };
  return {
    kind: 'table',
    runs,
    table: tableView(comparison),
    policy: scenario.policy.label,
    notes: scenario.notes,
  };
}

/** As `compare` prints it. */
export function tableView(comparison: Comparison): TableView {
  const { scenario, strategies, runs } = comparison;
  const { heads, rows, notes } = comparisonRows(comparison);
  const results = strategies.flatMap((entry) => entry.results);
  const runsText = counted(runs, 'run') + (strategies.length > 1 ? ' of each strategy' : '');
  return {
    heading: heading(scenario, comparison, results, runsText, { width: Infinity, style: plain }).split('\n'),
    heads,
    rows: rows.map(({ label, cells }) => ({
      label,
      cells: cells.map(({ text, best, bad = false }) => ({ text, best, bad })),
    })),
    notes,
    certainty: certaintyLines(comparison),
    why: strategies.map(whyNotText).filter((text) => text !== null),
  };
}

function csvAnswer({ text, file, seed, memory, table: name }: AskCsv): Answer {
  const table = resultTables.find((candidate) => candidate.name === name);
  if (table === undefined) throw new UsageError(`no table ${name}`);
  const comparison = compare(parseScenario(text, file), { seed, memory, timelineMs: TIMELINE_MS });
  const results = comparison.strategies.flatMap((entry) => entry.results);
  return { kind: 'csv', text: csvHeader(table) + results.map((result) => csvRows(table, result)).join('') };
}
