// SPDX-License-Identifier: LGPL-2.1-or-later
// The page in Debian's Chromium, with a camera that plays a film. Steered line by line from browser.py: each line on stdin is a JSON array
// [command, ...arguments], each line on stdout its answer.
//
//   node page.mjs '{"url": ..., "film": a file of JPEGs, "sound": a WAV, "shared": the title of a page, "hideable": true}'
//
// Without a film the camera is denied. LIVEEDIT_NODE is the folder with node_modules (playwright-core), LIVEEDIT_CHROMIUM the browser.
import {spawn} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import {createInterface} from 'node:readline';

const {chromium} = createRequire(`${process.env.LIVEEDIT_NODE}/`)('playwright-core');
const options = JSON.parse(process.argv[2]);
const executablePath = process.env.LIVEEDIT_CHROMIUM;

const args = ['--no-sandbox'];
if (options.film) args.push('--use-fake-device-for-media-stream', `--use-file-for-fake-video-capture=${options.film}`);
if (options.sound) args.push(`--use-file-for-fake-audio-capture=${options.sound}`);
if (options.shared) args.push(`--auto-select-tab-capture-source-by-title=${options.shared}`);

// Playwright keeps every page of its own browser visible, and its timers quick. Here a page behind another one is hidden, as it is for people.
async function launchHideable() {
  const profile = mkdtempSync(`${tmpdir()}/liveedit-chromium-`);
  const process = spawn(executablePath, [...args, '--headless=new', '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'], {stdio: ['ignore', 'ignore', 'pipe']});
  const ended = new Promise(done => process.on('exit', done));
  const address = await new Promise(found => createInterface({input: process.stderr}).on('line', line => {
    const [, said] = /DevTools listening on (ws:\S+)/.exec(line) ?? [];
    if (said) found(said);
  }));
  const browser = await chromium.connectOverCDP(address, {noDefaults: true});
  const close = async () => {
    await browser.close();
    process.kill();
    await ended;
    rmSync(profile, {recursive: true, force: true});
  };
  return {context: browser.contexts()[0], page: browser.contexts()[0].pages()[0], close};
}

async function launch() {
  const browser = await chromium.launch({executablePath, headless: true, args});
  const context = await browser.newContext();
  return {context, page: await context.newPage(), close: () => browser.close()};
}

const {context, page, close} = options.hideable ? await launchHideable() : await launch();
await page.setViewportSize({width: 1100, height: 860});
if (options.film) await context.grantPermissions(['camera', 'microphone']);
let other = null;  // another page of this browser
const complaints = [];
page.on('console', message => { if (['error', 'warning'].includes(message.type())) complaints.push(`${message.text()} (${message.location().url})`); });
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
  open: () => page.goto(options.url).then(() => true),
  click: selector => page.click(selector).then(() => true),
  type: (selector, text) => page.fill(selector, text).then(() => true),
  check: selector => page.check(selector).then(() => true),
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
  // A file that is dragged here.
  drop: async (selector, path) => {
    const content = readFileSync(path).toString('base64');
    await page.evaluate(([where, name, bytes]) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(atob(bytes), letter => letter.charCodeAt(0))], name, {type: 'image/png'}));
      for (const type of ['dragenter', 'dragover', 'drop']) document.querySelector(where).dispatchEvent(new DragEvent(type, {dataTransfer: data, bubbles: true, cancelable: true}));
    }, [selector, path.split('/').at(-1), content]);
    return true;
  },
  // Runs in the page before its own scripts.
  first: script => page.addInitScript(script).then(() => true),
  // A browser that lacks something.
  without: name => page.addInitScript(`delete window.${name}`).then(() => true),
  // Another page, in front of this one; with `hideable` this one is hidden then.
  open_other: async address => {
    other = await context.newPage();
    await other.goto(address);
    return true;
  },
  hide: () => other.bringToFront().then(() => true),
  come_back: () => page.bringToFront().then(() => true),
  close_other: () => other.close().then(() => true),
  // Camera and microphone are taken away.
  revoke: () => context.clearPermissions().then(() => true),
  forget_cookie: name => context.clearCookies({name}).then(() => true),
  size: (width, height) => page.setViewportSize({width, height}).then(() => true),
  scheme: colours => page.emulateMedia({colorScheme: colours}).then(() => true),
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
await close();
