// Writes the JSON Schemas from the declarations in src/scenario/schema.ts and sweep-file.ts: npm run build && node schema/generate.js
import { writeFileSync } from 'node:fs';
import { scenarioJsonSchemaText } from '../dist/scenario/json-schema.js';
import { sweepJsonSchemaText } from '../dist/scenario/sweep-file.js';

writeFileSync(new URL('scenario.schema.json', import.meta.url), scenarioJsonSchemaText());
writeFileSync(new URL('sweep.schema.json', import.meta.url), sweepJsonSchemaText());
