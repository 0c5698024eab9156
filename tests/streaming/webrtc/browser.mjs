// SPDX-License-Identifier: LGPL-2.1-or-later
// The elements' own pages in Chromium, with its default settings. Prints what it saw as one line of JSON.
//
//   node browser.mjs view URL [FILE]       the viewer page: colour, size, sound, what was complained about; a screenshot into FILE
//   node browser.mjs views URL COUNT       as many pages at once: milliseconds from POST to the first picture of each
//   node browser.mjs visits URL COUNT      the same with one page after the other
//   node browser.mjs stay URL SECONDS      prints "playing", stays, then tells how many frames came in the last seconds
//   node browser.mjs relayed URL SECONDS   the same through a TURN server and by no other way
//   node browser.mjs restart URL           an ICE restart while pictures come: credentials before and after, pictures after it
//   node browser.mjs publish URL SECONDS   the publisher page with the fake camera; prints "publishing" when it is connected
//   node browser.mjs loop WHIP WHEP        publishes there and watches here in one browser
//
// LIVEEDIT_NODE is the folder with node_modules (playwright-core), LIVEEDIT_CHROMIUM the browser, LIVEEDIT_CHROMIUM_OPTIONS its options, one a line.
import {createRequire} from 'node:module';

const {chromium} = createRequire(`${process.env.LIVEEDIT_NODE}/`)('playwright-core');
const [what, url, option] = process.argv.slice(2);
const camera = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];

async function open(browser, complaints) {
  const page = await browser.newPage({viewport: {width: 800, height: 600}});
  page.on('console', message => { if (message.type() === 'error') complaints.push(message.text()); });
  page.on('pageerror', error => complaints.push(String(error)));
  return page;
}

// In the page: waits until pictures come.
const playing = () => document.getElementById('picture').getVideoPlaybackQuality().totalVideoFrames > 0;

// In the page: the picture's middle, its size, and how many frames came then: in two seconds, or in as many more as it takes for 25 of them.
async function look() {
  const video = document.getElementById('picture');
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  const context = canvas.getContext('2d');
  context.drawImage(video, 0, 0);
  const colour = [...context.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data.slice(0, 3)];
  const before = video.getVideoPlaybackQuality().totalVideoFrames;
  const more = () => video.getVideoPlaybackQuality().totalVideoFrames - before;
  await new Promise(done => setTimeout(done, 2000));
  for (let i = 0; i < 600 && more() < 25; ++i) await new Promise(done => setTimeout(done, 100));
  return {colour, width: video.videoWidth, height: video.videoHeight, frames: more(), status: document.getElementById('status').textContent,
    secure: isSecureContext, figures: document.getElementById('figures').textContent, soundOffered: !document.getElementById('sound')?.hidden};
}

// In the page: the loudest frequency of the sound that plays.
async function listen() {
  const video = document.getElementById('picture');
  video.muted = false;
  const audio = new AudioContext();
  await audio.resume();
  const analyser = audio.createAnalyser();
  analyser.fftSize = 4096;
  audio.createMediaStreamSource(video.srcObject).connect(analyser);
  await new Promise(done => setTimeout(done, 1500));
  const bins = new Float32Array(analyser.frequencyBinCount);
  analyser.getFloatFrequencyData(bins);
  const loudest = bins.indexOf(Math.max(...bins));
  return {hertz: loudest * audio.sampleRate / analyser.fftSize, decibels: bins[loudest]};
}

async function view(browser) {
  const complaints = [];
  const page = await open(browser, complaints);
  await page.goto(url);
  await page.waitForFunction(playing, null, {timeout: 60000});
  await page.waitForTimeout(1000);
  const seen = await page.evaluate(look);
  const heard = seen.soundOffered ? await page.evaluate(listen) : null;
  if (option) await page.screenshot({path: option});
  return {...seen, heard, complaints};
}

async function stay(browser, prepare) {
  const page = await open(browser, []);
  const requests = [];
  page.on('request', request => requests.push(request.method()));
  if (prepare) await page.addInitScript(prepare);
  await page.goto(url);
  await page.waitForFunction(playing, null, {timeout: 60000});
  console.log('playing');
  await page.waitForTimeout(1000 * Number(option));
  return {...await page.evaluate(look), requests};
}

const relayed = browser => stay(browser, () => {
  const Direct = window.RTCPeerConnection;
  window.RTCPeerConnection = function(configuration) {
    return new Direct({...configuration, iceTransportPolicy: 'relay'});
  };
});

async function views(browser, stay = true) {
  const times = [];
  for (let i = 0; i < Number(option); ++i) {
    const page = await open(browser, []);
    let posted = 0;
    page.on('request', request => { if (request.method() === 'POST') posted = Date.now(); });
    await page.goto(url);
    await page.waitForFunction(playing, null, {timeout: 60000, polling: 5});
    times.push(Date.now() - posted);
    if (!stay) await page.close({runBeforeUnload: false});
  }
  return {times};
}

const visits = browser => views(browser, false);

// In the page: two ICE restarts, one after the other.
async function restartTwice() {
  const {negotiate} = await import('/signalling.js');
  const peer = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
  const video = document.createElement('video');
  video.muted = true;
  peer.addEventListener('track', event => { video.srcObject = event.streams[0] || new MediaStream([event.track]); video.play(); });
  peer.addTransceiver('video', {direction: 'recvonly'});
  const session = await negotiate(peer, '/whep', '');
  // Decoded, whether or not the page has shown them.
  const frames = async () => [...(await peer.getStats()).values()].find(report => report.type === 'inbound-rtp')?.framesDecoded || 0;
  const wait = async check => {
    for (let i = 0; i < 1200 && !await check(); ++i) await new Promise(done => setTimeout(done, 50));
  };
  // The user name of the path in use: theirs, then ours.
  const path = async () => {
    const stats = await peer.getStats();
    for (const report of stats.values()) {
      if (report.type !== 'transport') continue;
      const pair = stats.get(report.selectedCandidatePairId);
      return pair ? [stats.get(pair.remoteCandidateId).usernameFragment, stats.get(pair.localCandidateId).usernameFragment] : [];
    }
    return [];
  };
  await wait(async () => await frames() > 5);
  const seen = [{path: await path(), frames: await frames()}];
  for (let i = 0; i < 2; ++i) {
    const old = (await path())[1];
    await session.restart();
    await wait(async () => (await path())[1] !== old);
    const before = await frames();
    await wait(async () => await frames() > before + 20);
    seen.push({path: await path(), frames: await frames() - before});
  }
  const state = peer.connectionState;
  session.end();
  return {seen, state};
}

async function restart(browser) {
  const complaints = [];
  const page = await open(browser, complaints);
  await page.goto(`${url}/live.css`);
  return {...await page.evaluate(restartTwice), complaints};
}

async function publish(browser) {
  const complaints = [];
  const page = await open(browser, complaints);
  await page.goto(url);
  await page.click('#publish');
  await page.waitForFunction(() => document.getElementById('figures').textContent, null, {timeout: 60000});
  console.log('publishing');
  await page.waitForTimeout(1000 * Number(option));
  await page.click('#publish');
  await page.waitForTimeout(500);
  return {complaints, status: await page.textContent('#status')};
}

async function loop(browser) {
  const complaints = [];
  const publisher = await open(browser, complaints);
  await publisher.goto(url);
  await publisher.click('#publish');
  const viewer = await open(browser, complaints);
  await viewer.goto(option);
  await viewer.waitForFunction(playing, null, {timeout: 60000});
  await viewer.waitForTimeout(2000);
  return {...await viewer.evaluate(look), complaints};
}

const args = ['--no-sandbox', ...(process.env.LIVEEDIT_CHROMIUM_OPTIONS?.split('\n') || []), ...(what === 'publish' || what === 'loop' ? camera : [])];
const browser = await chromium.launch({executablePath: process.env.LIVEEDIT_CHROMIUM, headless: true, args});
try {
  console.log(JSON.stringify(await {view, views, visits, stay, relayed, restart, publish, loop}[what](browser)));
} finally {
  await browser.close();
}
