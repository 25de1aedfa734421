/** Tables of text without a frame. */
import Table from 'cli-table3';

export interface GridColumn {
  /** Several lines stand one under the other. */
  readonly head: string;
  readonly align?: 'left' | 'right';
}

/** A line under the headings, `gap` spaces between columns. */
export function grid(columns: readonly GridColumn[], rows: readonly (readonly string[])[], gap = 2): string {
  const none = { top: '', 'top-mid': '', 'top-left': '', 'top-right': '' };
  const bottom = { bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' };
  const inner = {
    left: '',
    'left-mid': '',
    mid: '─',
    'mid-mid': '─'.repeat(gap),
    right: '',
    'right-mid': '',
    middle: ' '.repeat(gap),
  };
  const table = new Table({
    head: columns.map((column) => column.head),
    chars: { ...none, ...bottom, ...inner },
    colAligns: columns.map((column) => column.align ?? 'right'),
    // cli-table3 colours headings and borders by default, in files too.
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
  });
  for (const row of rows) table.push([...row]);
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
