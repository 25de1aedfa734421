/** Reads CSV by RFC 4180, independently of what writes it. */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let position = 0;
  while (position < text.length) {
    let field = '';
    if (text[position] === '"') {
      position += 1;
      while (text[position] !== '"' || text[position + 1] === '"') {
        if (text[position] === '"') position += 1;
        field += text[position];
        position += 1;
      }
      position += 1;
    } else {
      while (position < text.length && text[position] !== ',' && text[position] !== '\n') {
        field += text[position];
        position += 1;
      }
    }
    row.push(field);
    if (text[position] !== ',') {
      rows.push(row);
      row = [];
    } else if (position + 1 === text.length || text[position + 1] === '\n') {
      // A comma at the end of a line opens one more field, an empty one.
      row.push('');
      rows.push(row);
      row = [];
      position += 1;
    }
    position += 1;
  }
  return rows;
}
