/** Chromium for tests from one end to the other, where one is installed. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';

export type { Browser, Page };

/** The Chromium that `CHROMIUM_BIN` names, else the first where systems put it; undefined when there is none. */
export function findChromium(): string | undefined {
  const named = process.env['CHROMIUM_BIN'];
  if (named !== undefined && named !== '') return named;
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin', '/usr/local/bin', '/snap/bin'];
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const onMac = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';
  return [...names.flatMap((name) => folders.map((folder) => join(folder, name))), onMac].find((path) =>
    existsSync(path),
  );
}

export const startBrowser = (executablePath: string): Promise<Browser> =>
  chromium.launch({
    executablePath,
    args: [
      // As root it runs in no other way; the pages are our own.
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });

/** Runs in the page, where the types of Node do not hold. */
const lookScript = (source: string): string => `(async () => {
  const image = new Image();
  image.src = ${JSON.stringify(source)};
  await image.decode();
  const context = new OffscreenCanvas(image.width, image.height).getContext('2d');
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  const colours = new Set();
  let sum = 0;
  for (let index = 0; index < data.length; index += 4) {
    colours.add((data[index] << 16) | (data[index + 1] << 8) | data[index + 2]);
    sum += data[index] + data[index + 1] + data[index + 2];
  }
  return { colours: colours.size, brightness: sum / (data.length / 4) / 765 };
})()`;

/**
 * What a picture shows, coarsely: an empty page has one colour. Brightness from 0 (black) to 1 (white).
 * @param page an empty one, whose rules forbid nothing
 */
export const look = (page: Page, png: Buffer): Promise<{ colours: number; brightness: number }> =>
  page.evaluate(lookScript(`data:image/png;base64,${png.toString('base64')}`));
