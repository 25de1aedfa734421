/**
 * The type assertions in TypeScript sources, except `as const`, as JSON: `all` of them, and the `double` ones, which assert
 * an assertion. Reads { file, text } pairs from standard input.
 */
import { readFileSync } from 'node:fs';
import ts from 'typescript';

const all = [];
const double = [];
for (const { file, text } of JSON.parse(readFileSync(0, 'utf8'))) {
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest);
  const visit = (node) => {
    if (ts.isAssertionExpression(node) && !ts.isConstTypeReference(node.type)) {
      const words = `${file}: ${node.getText(tree).replace(/\s+/g, ' ')}`;
      all.push(words);
      if (ts.isAssertionExpression(node.expression)) double.push(words);
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
}
console.log(JSON.stringify({ all, double }));
