// SPDX-License-Identifier: LGPL-2.1-or-later
// The page in Debian's Chromium, with a camera that plays a film. Steered line by line from page.py: each line on stdin is a JSON array
// [command, ...arguments], each line on stdout its answer.
//
//   node page.mjs URL [CAMERA.mjpeg [MICROPHONE.wav]]     without a camera film: the camera is denied
//
// LIVEEDIT_NODE is the folder with node_modules (playwright-core), LIVEEDIT_CHROMIUM the browser.
import {createInterface} from 'node:readline';
import {createRequire} from 'node:module';

const {chromium} = createRequire(`${process.env.LIVEEDIT_NODE}/`)('playwright-core');
const [url, film, sound] = process.argv.slice(2);

const flags = ['--no-sandbox'];
if (film) flags.push('--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', `--use-file-for-fake-video-capture=${film}`);
if (sound) flags.push(`--use-file-for-fake-audio-capture=${sound}`);
const browser = await chromium.launch({executablePath: process.env.LIVEEDIT_CHROMIUM, headless: true, args: flags});
const page = await browser.newPage({viewport: {width: 1100, height: 860}});
const complaints = [];
page.on('console', message => { if (['error', 'warning'].includes(message.type())) complaints.push(message.text()); });
page.on('pageerror', error => complaints.push(String(error)));
page.on('dialog', dialog => { complaints.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });

// In the page: the mean colour of the middle of a picture or film; null: there is none.
const middle = id => {
  // A film, or where pictures come as MJPEG, an img.
  const element = [document.getElementById(id), document.getElementById(`${id}-picture`)].find(e => e && !e.hidden);
  if (!element) return null;
  const width = element.naturalWidth || element.videoWidth;
  if (!width || element.hidden) return null;
  const canvas = Object.assign(document.createElement('canvas'), {width: 8, height: 8});
  const context = canvas.getContext('2d');
  context.drawImage(element, 0, 0, 8, 8);
  const data = context.getImageData(2, 2, 4, 4).data;
  return [0, 1, 2].map(c => data.reduce((sum, v, i) => i % 4 === c ? sum + v : sum, 0) / 16);
};

const commands = {
  open: () => page.goto(url).then(() => true),
  click: selector => page.click(selector, {timeout: 5000}).then(() => true),
  type: (selector, text) => page.fill(selector, text).then(() => true),
  check: selector => page.check(selector, {timeout: 5000}).then(() => true),
  text: selector => page.textContent(selector),
  visible: selector => page.isVisible(selector),
  colour: id => page.evaluate(middle, id),
  hold: async (selector, milliseconds) => {
    await page.hover(selector);
    await page.mouse.down();
    await page.waitForTimeout(milliseconds);
    await page.mouse.up();
    return true;
  },
  // Tab by tab: what has the focus.
  tab: () => page.keyboard.press('Tab').then(() => page.evaluate(() => document.activeElement.id || document.activeElement.textContent)),
  key: key => page.keyboard.press(key).then(() => true),
  // Goes on with a slow link (bytes a second), or a quick one again (0).
  throttle: async bytes => {
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('Network.emulateNetworkConditions', {offline: false, latency: 50, downloadThroughput: bytes || -1, uploadThroughput: bytes || -1});
    return true;
  },
  heap: async () => {
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('HeapProfiler.collectGarbage');
    return (await cdp.send('Runtime.getHeapUsage')).usedSize;
  },
  press: (selector, key) => page.press(selector, key).then(() => true),
  // A file for an input.
  choose: (selector, path) => page.setInputFiles(selector, path).then(() => true),
  // A browser that lacks something.
  without: name => page.addInitScript(`delete window.${name}`).then(() => true),
  size: (width, height) => page.setViewportSize({width, height}).then(() => true),
  dark: () => page.emulateMedia({colorScheme: 'dark'}).then(() => true),
  screenshot: path => page.screenshot({path, fullPage: true}).then(() => true),
  overflows: () => page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth),
  // Controls without a name for a screen reader.
  nameless: () => page.evaluate(() => [...document.querySelectorAll('input, button, select, textarea')]
    .filter(e => !e.labels?.length && !e.textContent.trim() && !e.ariaLabel).map(e => e.outerHTML)),
  // A function's text, run in the page.
  evaluate: text => page.evaluate(`(${text})()`).then(value => value ?? null),
  complaints: () => complaints,
};

for await (const line of createInterface({input: process.stdin})) {
  const [command, ...rest] = JSON.parse(line);
  try {
    console.log(JSON.stringify({answer: await commands[command](...rest)}));
  } catch (error) {
    console.log(JSON.stringify({error: String(error)}));
  }
}
await browser.close();
