/** The JSON Schemas of scenario files and sweep files, for completion and checking in editors. */
import { scenarioJsonSchemaText } from '../../dist/scenario/form/json-schema.js';
import { sweepJsonSchemaText } from '../../dist/scenario/sweep-file.js';

export function files() {
  return {
    'schema/scenario.schema.json': scenarioJsonSchemaText(),
    'schema/sweep.schema.json': sweepJsonSchemaText(),
  };
}
