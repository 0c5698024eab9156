// SPDX-License-Identifier: LGPL-2.1-or-later
// Looks at a page or a stream with Debian's Chromium and prints what it saw as JSON.
//
//   node browser.mjs mjpeg URL          an <img> with the stream: its picture, again and again for 3 seconds from when it is there
//   node browser.mjs hls URL            hls.js plays URL: the picture, and how long it has played
//   node browser.mjs page URL [FILE]    the page itself: what it says, its picture, and a screenshot into FILE
//   node browser.mjs video URL          the page itself, switched to HLS
//
// LIVEEDIT_NODE is the folder with node_modules (playwright-core, hls.js), LIVEEDIT_CHROMIUM the browser.
import {createServer} from 'node:http';
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';

const require = createRequire(`${process.env.LIVEEDIT_NODE}/`);
const {chromium} = require('playwright-core');
const [what, url, file] = process.argv.slice(2);

// In the page: the colours of an element's picture, where the seven bars would be.
function colours(element) {
  const canvas = document.createElement('canvas');
  canvas.width = element.naturalWidth || element.videoWidth;
  canvas.height = element.naturalHeight || element.videoHeight;
  if (!canvas.width) return null;
  const context = canvas.getContext('2d');
  context.drawImage(element, 0, 0);
  return [...Array(7).keys()].map(i =>
    [...context.getImageData(Math.floor((i + 0.5) * canvas.width / 7), Math.floor(canvas.height / 4), 1, 1).data.slice(0, 3)]);
}

async function mjpeg(page) {
  await page.goto(new URL('/', url).href);
  return page.evaluate(async ([url, source]) => {
    const colours = eval(`(${source})`);
    const image = new Image();
    image.src = url;
    document.body.replaceChildren(image);
    for (let i = 0; i < 1200 && !image.naturalWidth; ++i) await new Promise(done => setTimeout(done, 50));
    const seen = [];
    for (let i = 0; i < 60; ++i) {
      await new Promise(done => setTimeout(done, 50));
      seen.push(colours(image));
    }
    return {seen};
  }, [url, colours.toString()]);
}

// The page comes from a server of its own, as a stranger's page would.
async function hls(page) {
  const script = readFileSync(require.resolve('hls.js/dist/hls.min.js'));
  const server = createServer((request, response) => {
    const isScript = request.url === '/hls.js';
    response.setHeader('Content-Type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? script : '<video muted></video><script src="/hls.js"></script>');
  }).listen(0, '127.0.0.1');
  await new Promise(done => server.once('listening', done));
  try {
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    return await page.evaluate(async ([url, source]) => {
      const colours = eval(`(${source})`);
      const video = document.querySelector('video');
      const errors = [];
      const player = new Hls();
      player.on(Hls.Events.ERROR, (_, data) => errors.push(`${data.type} ${data.details}`));
      player.loadSource(url);
      player.attachMedia(video);
      player.on(Hls.Events.MANIFEST_PARSED, () => video.play());
      const end = Date.now() + 60000;
      while (video.currentTime < 3 && Date.now() < end) await new Promise(done => setTimeout(done, 100));
      return {seconds: video.currentTime, colours: colours(video), width: video.videoWidth, errors};
    }, [url, colours.toString()]);
  } finally {
    server.close();
  }
}

async function look(page, asHls) {
  const complaints = [];
  page.on('console', message => { if (message.type() === 'error') complaints.push(message.text()); });
  page.on('pageerror', error => complaints.push(String(error)));
  await page.goto(url);
  if (asHls) await page.click('#mode');
  const id = asHls ? '#video' : '#picture';
  await page.waitForFunction(id => document.getElementById('veil').hidden || !document.getElementById('login').hidden, id, {timeout: 60000});
  if (asHls) await page.waitForTimeout(1500);
  const seen = await page.evaluate(([source, id]) => ({
    colours: eval(`(${source})`)(document.querySelector(id)),
    status: document.getElementById('status').textContent,
    asksForToken: !document.getElementById('login').hidden,
    address: location.href,
    cookies: document.cookie,
  }), [colours.toString(), id]);
  if (file) await page.screenshot({path: file});
  return {...seen, complaints};
}

const browser = await chromium.launch({executablePath: process.env.LIVEEDIT_CHROMIUM, headless: true, args: ['--no-sandbox']});
try {
  const context = await browser.newContext({viewport: {width: 800, height: 600}, bypassCSP: what === 'mjpeg'});
  const page = await context.newPage();
  const seen = await {mjpeg, hls, page: page => look(page, false), video: page => look(page, true)}[what](page);
  console.log(JSON.stringify(seen));
} finally {
  await browser.close();
}
