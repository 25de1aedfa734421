// Writes schema/scenario.schema.json from the declaration in src/scenario/schema.ts: npm run build && node schema/generate.js
import { writeFileSync } from 'node:fs';
import { scenarioJsonSchemaText } from '../dist/scenario/json-schema.js';

writeFileSync(new URL('scenario.schema.json', import.meta.url), scenarioJsonSchemaText());
