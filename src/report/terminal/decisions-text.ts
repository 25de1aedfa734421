/** Every decision of a run with the rule that took it, in order of time: what `run --verbose` adds. */
import { lastOf } from '../../lists.js';
import type { Decision } from '../../migration/result.js';
import { type Page, plainPage } from './kit/style.js';
import { wrap } from './kit/text.js';
import { largest } from '../../stats/extremes.js';

/** Spaces between the columns. */
const GAP = 2;

/** One thought: a decision, or what the detector made of a sync with what a strategy did about it. */
export interface Thought {
  readonly timeMs: number;
  readonly text: string;
  readonly rules: string;
}

/**
 * A line a decision where the page is wide enough: when, what and why, and the rule at the right edge, faint, below the
 * text where there is no room. The time stands only where it is another one than above. Ends without a line break.
 */
export function decisionsText(decisions: readonly Decision[], page: Page = plainPage): string {
  const indent = Math.max(0, largest(decisions.map(({ timeMs }) => timeOf(timeMs).length))) + GAP;
  let above = '';
  return thoughts(decisions)
    .flatMap(({ timeMs, text, rules }) => {
      const time = timeOf(timeMs);
      const shown = time === above ? '' : time;
      above = time;
      const left = page.style.faint(shown.padStart(indent - GAP)) + ' '.repeat(GAP);
      const lines = linesOf(text, rules, page.width - indent, page);
      return lines.map((line, index) => (index === 0 ? left : ' '.repeat(indent)) + line);
    })
    .join('\n');
}

function timeOf(timeMs: number): string {
  return `${(timeMs / 1e3).toFixed(3)} s`;
}

/** A strategy's answer follows the detector's judgement of the same sync at once. */
export function thoughts(decisions: readonly Decision[]): Thought[] {
  const found: Thought[] = [];
  decisions.forEach((decision, index) => {
    const { timeMs, text, rule } = decision;
    const before = decisions[index - 1];
    const judgement = before !== undefined && answers(decision, before) ? found.pop() : undefined;
    if (judgement === undefined) found.push({ timeMs, text, rules: rule });
    else found.push({ timeMs, text: `${judgement.text}: ${text}`, rules: `${judgement.rules}, ${rule}` });
  });
  return found;
}

function answers(decision: Decision, judgement: Decision): boolean {
  return (
    judgement.facts?.kind === 'judged' && decision.facts === undefined && decision.sync === judgement.sync
  );
}

/** The text and, at the right edge, the rules: below it where they do not fit. */
function linesOf(text: string, rules: string, room: number, { style }: Page): string[] {
  const lines = wrap(text, room);
  if (lastOf(lines).length + GAP + rules.length > room) lines.push('');
  const last = lastOf(lines);
  return [...lines.slice(0, -1), `${last.padEnd(room - rules.length)}${style.faint(rules)}`];
}
