/** Tables and marked places of Markdown files. Prettier lays the tables out. */

/** A `|` would end the cell. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const row = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');

export const code = (text: string): string => (text === '' ? '' : `\`${text}\``);

export const begin = '<!-- derived -->';
export const end = '<!-- /derived -->';

/** @returns the text with what stands between its markers replaced. @throws Error where they do not stand once each */
export function replaceMarked(text: string, content: string, file: string): string {
  const parts = text.split(begin);
  const rest = parts[1]?.split(end);
  if (parts.length !== 2 || rest?.length !== 2) throw new Error(`${file} needs ${begin} … ${end}, once`);
  return `${parts[0]}${begin}\n\n${content}\n\n${end}${rest[1]}`;
}
