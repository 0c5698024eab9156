// SPDX-License-Identifier: LGPL-2.1-or-later
// The page: what is clicked and what is shown. Everything else is in modules of their own.
import {ask, onTokenWanted} from './access.js';
import {Live} from './live.js';
import {Loading} from './loading.js';
import {Microphone} from './microphone.js';
import {Prompts} from './prompts.js';
import {BLEND, Reference} from './reference.js';
import {SettingsForm} from './settings.js';
import {Recording, savePicture, showLink} from './share.js';
import {Source} from './source.js';
import {Speech} from './speech.js';
import {watch} from './watch.js';

const $ = id => document.getElementById(id);
const user = crypto.randomUUID ? crypto.randomUUID() : Array.from(crypto.getRandomValues(new Uint8Array(16)), b => b.toString(16).padStart(2, '0')).join('');
const MEASURE = 500, STARTING = 1000, DEFAULTS = 1500;  // milliseconds
const names = {full: 'Everything', human: 'Only me', background: 'Background'};
const explanations = {
  NotAllowedError: what => what === 'screen' ? 'No screen was chosen.'
    : `The ${what} was not allowed. Allow it in the address bar, then try again.${what === 'camera' ? ' A file works without.' : ''}`,
  NotFoundError: what => `There is no ${what} here.${what === 'camera' ? ' A file can be edited, too.' : ''}`,
  NotReadableError: what => `Another program uses the ${what}.`,
};
const microphoneSigns = {opening: 'The microphone is being opened …', on: 'The microphone is on.', ready: 'The microphone is muted.'};

const source = new Source($('before'));
const form = new SettingsForm($('settings'), () => live?.sendSettings());
const prompts = new Prompts($('prompt-form'), $('prompt'), $('suggestions'), () => live?.sendSettings());
const reference = new Reference({
  place: $('reference'), drop: $('reference-drop'), wish: $('reference-wish'), file: $('reference-file'), preview: $('reference-preview'), clear: $('reference-clear'),
  amount: $('reference-amount'), blend: $('reference-blend'), value: $('reference-value'), note: $('reference-note'),
}, user, () => live?.sendSettings());
const loading = new Loading($('loading-text'), $('loading-bar'));
const waiting = new Loading($('waiting-text'), $('waiting-bar'));
const microphone = new Microphone({
  chunk: (samples, at) => speech.take(samples, at),
  changed: showMicrophone,
  lost: () => {
    turnMicrophoneOff();
    say('The microphone has gone.', 'bad');
  },
});
const speech = new Speech(microphone, {
  heard: understood,
  nothing: why => say(why, live ? 'live' : ''),
  problem: text => say(text, 'bad'),
  busy: busy => $('talk').classList.toggle('busy', busy),
});
let live = null, recording = null;
let sound = null;          // the microphone's track that goes with the picture
let serverListens = true;  // as far as is known

function say(text, kind = '') {
  $('state').textContent = text;
  $('state').className = kind;
}

function explain(error, what) {
  return explanations[error.name]?.(what) ?? `The ${what} could not be started: ${error.message}`;
}

// What lies over the picture while there is none; null: nothing.
function cover(text) {
  waiting.stop();
  $('waiting').hidden = text === null;
  $('waiting-text').textContent = text ?? '';
}

// The server tells a place in the queue, or that it is not ready: then it is asked what it does.
function wait({position, message}) {
  if (position) {
    say('Waiting for a place');
    cover(position === 1 ? 'The server is busy. You are the next.' : `The server is busy. ${position - 1} ${position === 2 ? 'person is' : 'people are'} before you.`);
  } else {
    say('The server is getting ready');
    cover(message ?? 'The server is getting ready. One moment …');
    waiting.follow(refreshSettings);
  }
}

const heard = {
  connected: () => {
    say('Connected');
    cover('Connecting the picture …');
    reference.setLive(true);
  },
  wait,
  live: () => { say('Live', 'live'); cover(null); },
  send_frame: () => { if (!$('waiting').hidden) heard.live(); },  // after a pause
  mode_changed: message => say(`Live: ${(names[message.mode] ?? message.mode).toLowerCase()}`, 'live'),
  heard: message => understood(message.text),
  listening: message => {
    if (message.listen || !live?.listening) return;  // as asked
    serverListens = false;
    listen();
  },
  warning: message => { $('prompt-note').textContent = message.message; },
  timeout: message => stop(message.message ?? 'The session has ended.'),
  error: message => {
    say(message.message ?? 'The server refused this.', 'bad');
    if (message.message === 'Server is full') cover('The server is full. This page tries again by itself.');
  },
};

function stop(text, kind = '') {
  stopRecording();
  live?.close();
  live = null;
  $('prompt-note').textContent = '';
  source.stop();
  setSound(false);
  reference.setLive(false);
  cover(null);
  $('stage').classList.add('idle');
  $('empty').hidden = false;
  $('tools').hidden = true;
  $('meters').hidden = true;
  say(text, kind);
}

async function start(kind) {
  const what = kind === 'screen' ? 'screen' : kind instanceof File ? 'file' : 'camera';
  const buttons = document.querySelectorAll('.sources button');
  for (const button of buttons) button.disabled = true;
  try {
    await showSettings(kind === 'text');
    await source.start(kind, () => stop(`The ${what} has gone.`, 'bad'));
  } catch (error) {
    source.stop();
    say(explain(error, what), 'bad');
    return;
  } finally {
    for (const button of buttons) button.disabled = false;
  }
  loading.stop();
  $('empty').hidden = true;
  $('tools').hidden = false;
  $('stage').classList.remove('idle');
  cover('Connecting …');
  serverListens = true;
  live = new Live(user, source, $('after'), $('after-picture'), {
    settings: () => ({...form.values(), ...reference.values(), prompt: $('prompt').value}),
    heard: message => heard[message.status]?.(message),
    lost: seconds => {
      say(`The connection is lost. Trying again in ${seconds} s …`, 'bad');
      cover('The connection is lost. This page comes back by itself.');
    },
    shown: () => { $('meters').hidden = false; },
    fell_back: listen,
    problem: text => say(text, 'bad'),
  });
  const mode = $('modes').querySelector('input:checked')?.value;
  if (kind !== 'text' && mode && mode !== 'full') live.setMode(mode);
  $('stop').focus();
  microphone.prepare().catch(() => {});  // the next words, perhaps
}

function shown() {
  return $('after').hidden ? $('after-picture') : $('after');
}

async function stopRecording() {
  const ended = recording;
  recording = null;
  $('record').setAttribute('aria-pressed', 'false');
  $('record').textContent = 'Record';
  await ended?.stop();
}

function record() {
  if (recording) return stopRecording();
  try {
    recording = new Recording(shown());
  } catch (error) {
    return say(`This browser cannot record: ${error.message}`, 'bad');
  }
  $('record').setAttribute('aria-pressed', 'true');
  $('record').textContent = 'Stop recording';
}

async function setSound(on) {
  sound?.stop();
  sound = null;
  if (on) {
    try {
      await microphone.use('sound');
      sound = microphone.track();
    } catch (error) {
      if (error.name !== 'AbortError') say(explain(error, 'microphone'), 'bad');
    }
  } else {
    microphone.release('sound');
  }
  $('sound').setAttribute('aria-pressed', String(Boolean(sound)));
  await live?.setSound(sound);
  serverListens = true;
  await listen();
}

// Sentence by sentence: the server hears them where the microphone goes there anyhow, else this page does.
async function listen() {
  const byServer = $('listen').checked && Boolean(sound) && Boolean(live) && !live.plain && serverListens;
  live?.setListening(byServer);
  try {
    await speech.listen($('listen').checked && !byServer);
  } catch (error) {
    $('listen').checked = false;
    if (error.name !== 'AbortError') say(explain(error, 'microphone'), 'bad');
  }
}

function understood(text) {
  say(`Heard: ${text}`, live ? 'live' : '');
  prompts.use(text.replace(/[.!?]+$/, ''));
}

function hold() {
  $('talk').setAttribute('aria-pressed', 'true');
  speech.hold().catch(error => {
    letGo();
    if (error.name !== 'AbortError') say(explain(error, 'microphone'), 'bad');
  });
}

function letGo() {
  $('talk').setAttribute('aria-pressed', 'false');
  speech.release();
}

function showMicrophone(state) {
  $('microphone').hidden = state === 'closed';
  $('microphone').className = `sign ${state}`;
  $('microphone-text').textContent = microphoneSigns[state] ?? '';
}

function turnMicrophoneOff() {
  $('listen').checked = false;
  speech.listen(false);
  setSound(false);
  microphone.close();
}

function showModes(modes) {
  const legend = $('modes').querySelector('legend');
  const before = $('modes').querySelector('input:checked')?.value;
  const chosen = modes.includes(before) ? before : 'full';
  const labels = Object.keys(names).filter(mode => modes.includes(mode)).map(mode => {
    const label = document.createElement('label');
    const input = Object.assign(document.createElement('input'), {type: 'radio', name: 'mode', value: mode, checked: mode === chosen});
    input.addEventListener('change', () => live?.setMode(mode));
    label.append(input, Object.assign(document.createElement('span'), {textContent: names[mode]}));
    return label;
  });
  $('modes').replaceChildren(legend, ...labels);
  $('modes').hidden = labels.length < 2;
}

// How it goes, again and again.
async function measure() {
  if (live && !$('meters').hidden) {
    $('rate').textContent = `${live.rate} fps`;
    const transit = await live.transit();
    const pace = transit === null ? null : await ask(`/api/media/${user}`).then(answer => answer.ok ? answer.json() : null).catch(() => null);
    const delay = transit === null || !pace?.edit_seconds ? null : transit + pace.edit_seconds;
    $('delay').textContent = delay === null ? '' : `${Math.round(delay * 1000)} ms`;
  }
  setTimeout(measure, MEASURE);
}

// The form for what comes from a camera, or for pictures made from text alone.
async function showSettings(fromText) {
  const answer = await ask(`/api/settings${fromText ? '?mode=video' : ''}`);
  const settings = await answer.json();
  if (!answer.ok) throw new Error(settings.detail);
  const {prompt, [BLEND]: blend, ...others} = settings.input_params.properties;
  form.show(others);
  reference.show(blend);
  showModes(fromText ? [] : settings.info.properties.modes.values);
  $('stage').classList.toggle('text', fromText);
  return Boolean(prompt);
}

async function load() {
  while (!await showSettings(false)) {  // the worker is still starting
    say('The server is getting ready. One moment …');
    await new Promise(done => setTimeout(done, STARTING));
  }
  say('The server is getting ready. You can start already.');
  loading.follow(() => {
    $('loading-text').textContent = '';
    if (!live) say('Ready');
    refreshSettings();
  });
}

// A model that has been loaded tells its own defaults a moment later.
function refreshSettings() {
  setTimeout(() => {
    if (!$('settings').contains(document.activeElement)) showSettings(Boolean(live) && source.way === 'video').catch(() => {});
  }, DEFAULTS);
}

// Asked for when the server wants its token; resolves when it has taken it.
function askForToken() {
  $('login').hidden = false;
  $('login').scrollIntoView({block: 'nearest'});
  $('token').focus();
  say('Sign in to go on.');
  if (!$('waiting').hidden) cover('The server wants its token before it goes on.');
  return new Promise(done => {
    $('login').onsubmit = async event => {
      event.preventDefault();
      const answer = await fetch('/ticket', {method: 'POST', headers: {Authorization: `Bearer ${$('token').value}`}}).catch(() => null);
      $('token').value = '';
      if (!answer) return say('The server does not answer.', 'bad');
      if (!answer.ok) return say(answer.status === 429 ? 'Too many wrong tokens: wait a minute.' : 'That is not the token.', 'bad');
      $('login').hidden = true;
      done();
    };
  });
}

$('start').addEventListener('click', () => start('camera'));
$('screen').addEventListener('click', () => start('screen'));
$('file').addEventListener('click', () => $('chosen').click());
$('text').addEventListener('click', () => start('text'));
$('chosen').addEventListener('change', () => {
  const [file] = $('chosen').files;
  $('chosen').value = '';
  if (file) start(file);
});
$('stop').addEventListener('click', () => { stop('Stopped'); $('start').focus(); });
$('views').addEventListener('change', event => { $('stage').dataset.view = event.target.value; });
$('divider').addEventListener('input', () => $('pictures').style.setProperty('--cut', `${$('divider').value}%`));
$('snapshot').addEventListener('click', () => savePicture(shown()));
$('record').addEventListener('click', record);
$('sound').addEventListener('click', () => setSound(!sound));
$('share').addEventListener('click', () => showLink(user, {dialog: $('sharing'), link: $('link'), code: $('code'), reach: $('reach')}));
$('copy').addEventListener('click', async () => {
  $('link').select();
  await navigator.clipboard?.writeText($('link').value).catch(() => {});
  $('copy').textContent = 'Copied';
  setTimeout(() => { $('copy').textContent = 'Copy'; }, 2000);
});
$('talk').addEventListener('pointerdown', event => { $('talk').setPointerCapture(event.pointerId); hold(); });
for (const end of ['pointerup', 'pointercancel', 'blur']) $('talk').addEventListener(end, letGo);
$('talk').addEventListener('keydown', event => {
  if (![' ', 'Enter'].includes(event.key) || event.repeat) return;
  event.preventDefault();
  hold();
});
$('talk').addEventListener('keyup', letGo);
for (const soon of ['pointerenter', 'focus']) $('talk').addEventListener(soon, () => microphone.prepare().catch(() => {}));
$('listen').addEventListener('change', listen);
$('microphone-off').addEventListener('click', turnMicrophoneOff);
$('reset').addEventListener('click', () => form.reset());
addEventListener('pagehide', () => live?.close());

$('screen').hidden = !navigator.mediaDevices?.getDisplayMedia;
onTokenWanted(askForToken);
stop('Connecting …');
measure();
const watched = new URLSearchParams(location.search).get('watch');
const begun = watched === null ? load() : watch(watched, {cover, stage: $('stage'), video: $('after'), picture: $('after-picture'), empty: $('empty')});
begun.catch(error => {
  say('The server does not answer.', 'bad');
  console.error(error);
});
