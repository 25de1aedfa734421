import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { axisInputs, sectionsOf } from '../../src/play/inputs.js';
import { amountOf, nearestStep } from '../../src/play/ladder.js';
import { ScenarioText } from '../../src/play/scenario-text.js';
import { parseScenario } from '../../src/scenario/parse.js';

const FILES = ['readers-and-writers', 'step-by-step-search', 'redis-bgsave'];

function textOf(name: string): string {
  return readFileSync(`scenarios/${name}.yaml`, 'utf8');
}

/** Without what holds of the shipped values only. */
function withoutExpect(text: string): string {
  return new ScenarioText(text).without('expect');
}

describe.each(FILES)('the sliders of %s', (name) => {
  const text = withoutExpect(textOf(name));
  const inputs = axisInputs(sectionsOf(new ScenarioText(text), {})).map(({ input }) => input);

  // Both ends of each slider: the same change by the page and by --set must make the same migration.
  test('change what --set changes, and nothing else', () => {
    for (const { path, steps } of inputs) {
      for (const step of [steps[0]!, steps.at(-1)!]) {
        const byPage = outcomeOf(() => parseScenario(new ScenarioText(text).with(path, step), 'guest.yaml'));
        const bySet = outcomeOf(() => parseScenario(text, 'guest.yaml', { set: [`${path}=${step}`] }));
        expect([path, step, byPage]).toEqual([path, step, bySet]);
      }
    }
    expect(inputs.length).toBeGreaterThan(8);
  });

  test('rise from step to step, but for words at their ends', () => {
    for (const { entry, steps } of inputs) {
      const amounts = steps.slice(1, -1).map((step) => amountOf(entry, step)!);
      expect(amounts).toEqual([...amounts].sort((a, b) => a - b));
    }
  });

  test('stand where the value is: each step is nearest to itself', () => {
    for (const { entry, steps } of inputs)
      expect(steps.map((step) => nearestStep(entry, steps, step))).toEqual([...steps.keys()]);
  });
});

/** The setup and the labels, or that it is refused; messages name different places. */
function outcomeOf(parse: () => ReturnType<typeof parseScenario>): unknown {
  try {
    const { setup, strategies, policy } = parse();
    return { setup, strategies: strategies.map(({ label }) => label), policy: policy.label };
  } catch (error) {
    return (error as Error).name;
  }
}

describe('a scenario that is edited', () => {
  const text = textOf('readers-and-writers');

  test('keeps its comments and its order', () => {
    const edited = new ScenarioText(text).with('guest.memory', '32GiB');
    expect(edited.split('\n').filter((line) => !line.includes('memory:'))).toEqual(
      text.split('\n').filter((line) => !line.includes('memory:')),
    );
  });

  test('gives a strategy that was only a name its option', () => {
    const edited = new ScenarioText(text).with('strategies.1.auto-converge.cpu-throttle-initial', 40);
    expect(edited).toContain('- { auto-converge: { cpu-throttle-initial: 40 } }\n');
  });

  test('makes sections that were not there', () => {
    const edited = new ScenarioText('guest: { memory: 1GiB }\n').with('link.bandwidth', '1Gbit/s');
    expect(new ScenarioText(edited).at('link.bandwidth')).toBe('1Gbit/s');
  });

  test('loses what was said of the one that it comes from, and says so', () => {
    const changed = new ScenarioText(text).changed('readers-and-writers');
    expect(changed.startsWith('# From readers-and-writers, changed on the page of migsim.\n')).toBe(true);
    expect(changed).not.toMatch(/Shows:|Expect:|^expect:/m);
    expect(changed).toContain('# the 2021 algorithm, v1');
    expect(parseScenario(changed, 'guest.yaml').setup).toEqual(parseScenario(text, 'guest.yaml').setup);
  });

  test('of text that is no YAML has a fault and no controls', () => {
    const broken = new ScenarioText('guest: { memory: [');
    expect(broken.fault).not.toBeNull();
    expect(new ScenarioText('just words').length('strategies')).toBe(0);
  });
});
