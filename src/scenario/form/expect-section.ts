/** An entry of `expect:` of a scenario file. */
import * as z from 'zod/mini';
import { isMap } from '../../lists.js';
import { expected } from '../../options/wording.js';
import { either } from './forms.js';

/** Conditions by measure, or (under `relations`) a list of texts. */
export type ExpectationForm = Readonly<Record<string, string>> | readonly string[];

const conditions = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
const relations = z.array(z.string());

export const expectation: z.ZodMiniType<ExpectationForm, unknown> = either(
  "conditions such as { converges: true, total-time: '< 60s' }; under relations: a list of texts",
  () => [conditions, relations],
  (input, wrong) => {
    const entries = isMap(input) || Array.isArray(input) ? Object.entries<unknown>(input) : null;
    if (entries === null) {
      wrong({ message: expected("a map such as { converges: true, total-time: '< 60s' }", input) });
      return undefined;
    }
    const fault = entries.find(([, value]) => typeof value === 'object');
    if (fault !== undefined) {
      const message = expected("a condition such as true, '< 60s' or '>= 99%'", fault[1]);
      wrong({ path: [fault[0]], message });
      return undefined;
    }
    const texts = entries.map(([key, value]) => [key, String(value)] as const);
    return Array.isArray(input) ? texts.map(([, text]) => text) : Object.fromEntries(texts);
  },
);
