/** Replaces what stands between `<!-- name -->` and `<!-- end -->`. */
export function fill(text, name, content) {
  const start = `<!-- ${name} -->\n`;
  const from = text.indexOf(start);
  const to = text.indexOf('<!-- end -->', from);
  if (from < 0 || to < 0) throw new Error(`no place for ${name}`);
  return `${text.slice(0, from)}${start}\n${content}\n\n${text.slice(to)}`;
}
