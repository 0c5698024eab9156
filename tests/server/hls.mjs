// SPDX-License-Identifier: LGPL-2.1-or-later
// Plays a session's HLS with hls.js in Debian's Chromium, as a page of the server itself would, and prints what it saw as JSON.
//
//   node hls.mjs URL USER [TOKEN]     with TOKEN the page has exchanged it for the cookie first
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';

const require = createRequire(`${process.env.LIVEEDIT_NODE}/`);
const {chromium} = require('playwright-core');
const [url, user, token] = process.argv.slice(2);

const browser = await chromium.launch({executablePath: process.env.LIVEEDIT_CHROMIUM, headless: true, args: ['--no-sandbox']});
try {
  // The pages' own policy allows neither hls.js nor what it plays from.
  const page = await (await browser.newContext({bypassCSP: true})).newPage();
  await page.goto(`${url}/api/health`);
  await page.addScriptTag({content: readFileSync(require.resolve('hls.js/dist/hls.min.js'), 'utf8')});
  const seen = await page.evaluate(async ([user, token]) => {
    if (token) await fetch('/ticket', {method: 'POST', headers: {Authorization: `Bearer ${token}`}});
    const video = Object.assign(document.createElement('video'), {muted: true});
    document.body.replaceChildren(video);
    const errors = [];
    const player = new Hls();
    player.on(Hls.Events.ERROR, (_, data) => { if (data.fatal) errors.push(`${data.type} ${data.details} ${data.response?.code}`); });
    player.on(Hls.Events.MANIFEST_PARSED, () => video.play());
    player.loadSource(`/api/hls/${user}/index.m3u8`);
    player.attachMedia(video);
    const end = Date.now() + 40000;
    // Chromium counts what it has decoded some time after it has.
    const going = () => video.currentTime < 3 || !video.webkitAudioDecodedByteCount;
    while (going() && !errors.length && Date.now() < end) await new Promise(done => setTimeout(done, 100));
    const canvas = Object.assign(document.createElement('canvas'), {width: 32, height: 24});
    const context = canvas.getContext('2d');
    context.drawImage(video, 0, 0, 32, 24);
    return {seconds: video.currentTime, width: video.videoWidth, height: video.videoHeight, errors,
            colour: Array.from(context.getImageData(16, 12, 1, 1).data.slice(0, 3)), sound: video.webkitAudioDecodedByteCount};
  }, [user, token]);
  console.log(JSON.stringify(seen));
} finally {
  await browser.close();
}
