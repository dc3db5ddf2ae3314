/** What a test measured on its way; shown with CARILLON_TEST_FIGURES=1, since an assertion is what counts. */
export function figure(text: string): void {
  if (process.env['CARILLON_TEST_FIGURES'] === '1') process.stderr.write(`    ${text}\n`);
}
