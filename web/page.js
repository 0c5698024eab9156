// SPDX-License-Identifier: LGPL-2.1-or-later
// The page: what is clicked and what is shown. Everything else is in modules of their own.
import {Live} from './live.js';
import {Prompts} from './prompts.js';
import {Reference} from './reference.js';
import {SettingsForm} from './settings.js';
import {Recording, savePicture, showLink} from './share.js';
import {Source} from './source.js';
import {Speech} from './speech.js';
import {watch} from './watch.js';

const $ = id => document.getElementById(id);
const user = crypto.randomUUID ? crypto.randomUUID() : Array.from(crypto.getRandomValues(new Uint8Array(16)), b => b.toString(16).padStart(2, '0')).join('');
const names = {full: 'Everything', human: 'Only me', background: 'Background'};
const explanations = {
  NotAllowedError: what => `The ${what} was not allowed. Allow it in the address bar, then try again. A file works without.`,
  NotFoundError: what => `There is no ${what} here. A file can be edited, too.`,
  NotReadableError: what => `Another program uses the ${what}.`,
};

const source = new Source($('before'));
const form = new SettingsForm($('settings'), () => live?.sendSettings());
const prompts = new Prompts($('prompt-form'), $('prompt'), $('suggestions'), () => live?.sendSettings());
const reference = new Reference($('reference'), text => say(text, 'bad'));
let live = null, recording = null, microphone = null, waiting = null;

function say(text, kind = '') {
  $('state').textContent = text;
  $('state').className = kind;
}

function explain(error, what) {
  return explanations[error.name]?.(what) ?? `The ${what} could not be started: ${error.message}`;
}

// What lies over the picture while there is none; null: nothing.
function cover(text) {
  $('waiting').hidden = text === null;
  $('waiting-text').textContent = text ?? '';
  clearInterval(waiting);
}

// The server tells what it is doing while the model loads.
function wait(message) {
  const place = message.position;
  say(place ? 'Waiting for a place' : 'The server is getting ready');
  cover(place ? `Others are before you. Your place in the queue: ${place}.` : message.message ?? 'The server is getting ready. One moment …');
  if (place) return;
  waiting = setInterval(async () => {
    const health = await fetch('/health').then(answer => answer.json()).catch(() => null);
    if (health?.detail && !$('waiting').hidden) $('waiting-text').textContent = health.detail;
  }, 1000);
}

const heard = {
  connected: () => { say('Connected'); cover('Connecting the picture …'); },
  wait,
  live: () => { say('Live', 'live'); cover(null); },
  send_frame: () => { live?.countPlain(); if (!$('waiting').hidden || !$('state').classList.contains('live')) heard.live(); },
  mode_changed: message => say(`Live: ${(names[message.mode] ?? message.mode).toLowerCase()}`, 'live'),
  timeout: message => stop(message.message ?? 'The session has ended.'),
  error: message => { say(message.message ?? 'The server refused this.', 'bad'); if (message.message === 'Server is full') cover('The server is full. This page tries again by itself.'); },
};

function stop(text, kind = '') {
  stopRecording();
  live?.close();
  live = null;
  source.stop();
  setSound(false);
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
    await source.start(kind, () => stop(`The ${what} has gone.`, 'bad'));
  } catch (error) {
    source.stop();
    say(explain(error, what), 'bad');
    return;
  } finally {
    for (const button of buttons) button.disabled = false;
  }
  $('empty').hidden = true;
  $('tools').hidden = false;
  $('stage').classList.remove('idle');
  cover('Connecting …');
  live = new Live(user, source, $('after'), $('after-picture'), {
    settings: () => ({...form.values(), prompt: $('prompt').value}),
    heard: message => heard[message.status]?.(message),
    lost: seconds => {
      say(`The connection is lost. Trying again in ${seconds} s …`, 'bad');
      cover('The connection is lost. This page comes back by itself.');
    },
    shown: () => { $('meters').hidden = false; },
    problem: text => say(text, 'bad'),
  });
  const mode = $('modes').querySelector('input:checked')?.value;
  if (mode && mode !== 'full') live.setMode(mode);
  $('stop').focus();
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
  for (const track of microphone?.getTracks() ?? []) track.stop();
  microphone = null;
  if (on) {
    try {
      microphone = await navigator.mediaDevices.getUserMedia({audio: true});
    } catch (error) {
      say(explain(error, 'microphone'), 'bad');
    }
  }
  $('sound').setAttribute('aria-pressed', String(Boolean(microphone)));
  await live?.setSound(microphone?.getAudioTracks()[0] ?? null);
}

const speech = new Speech({
  heard: text => {
    say(`Heard: ${text}`, live ? 'live' : '');
    prompts.use(text.replace(/[.!?]+$/, ''));
  },
  problem: text => say(text, 'bad'),
  busy: busy => $('talk').classList.toggle('busy', busy),
});

function hold() {
  $('talk').setAttribute('aria-pressed', 'true');
  speech.hold().catch(error => {
    letGo();
    say(explain(error, 'microphone'), 'bad');
  });
}

function letGo() {
  $('talk').setAttribute('aria-pressed', 'false');
  speech.release();
}

function showModes(modes) {
  const legend = $('modes').querySelector('legend');
  const labels = Object.keys(names).filter(mode => modes.includes(mode)).map(mode => {
    const label = document.createElement('label');
    const input = Object.assign(document.createElement('input'), {type: 'radio', name: 'mode', value: mode, checked: mode === 'full'});
    input.addEventListener('change', () => live?.setMode(mode));
    label.append(input, Object.assign(document.createElement('span'), {textContent: names[mode]}));
    return label;
  });
  $('modes').replaceChildren(legend, ...labels);
  $('modes').hidden = labels.length < 2;
}

// Twice a second: how it goes.
async function measure() {
  if (!live || $('meters').hidden) return;
  $('rate').textContent = `${live.rate} fps`;
  const transit = await live.transit();
  const pace = transit === null ? null : await fetch(`/api/media/${user}`).then(answer => answer.ok ? answer.json() : null).catch(() => null);
  const delay = transit === null || !pace?.edit_seconds ? null : transit + pace.edit_seconds;
  $('delay').textContent = delay === null ? '' : `${Math.round(delay * 1000)} ms`;
}

async function load() {
  const response = await fetch('/api/settings');
  if (response.status === 401 || response.status === 429) {
    $('login').hidden = false;
    say(response.status === 401 ? 'Sign in to go on.' : 'Too many wrong tokens: wait a minute.', response.status === 429 ? 'bad' : '');
    return;
  }
  const settings = await response.json();
  const properties = settings.input_params.properties;
  if (!('prompt' in properties)) {  // the worker is still starting
    say('The server is getting ready. One moment …');
    setTimeout(load, 1000);
    return;
  }
  $('login').hidden = true;
  form.show(properties);
  showModes(settings.info.properties.modes.values);
  reference.show(Boolean(settings.info.properties.reference_image?.default));
  if (!live) say('Ready');
}

$('login').addEventListener('submit', async event => {
  event.preventDefault();
  const response = await fetch('/ticket', {method: 'POST', headers: {Authorization: `Bearer ${$('token').value}`}});
  $('token').value = '';
  if (response.ok) start_page();
  else say('That is not the token.', 'bad');
});
$('start').addEventListener('click', () => start('camera'));
$('screen').addEventListener('click', () => start('screen'));
$('file').addEventListener('click', () => $('chosen').click());
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
$('sound').addEventListener('click', () => setSound(!microphone));
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
$('listen').addEventListener('change', () => speech.listen($('listen').checked).catch(error => {
  $('listen').checked = false;
  say(explain(error, 'microphone'), 'bad');
}));
$('reset').addEventListener('click', () => form.reset());
addEventListener('pagehide', () => live?.close());

function start_page() {
  const watched = new URLSearchParams(location.search).get('watch');
  const begun = watched === null ? load() : watch(watched, {say, cover, stage: $('stage'), video: $('after'), picture: $('after-picture'), empty: $('empty'), login: $('login')});
  begun.catch(error => {
    say('The server does not answer.', 'bad');
    console.error(error);
  });
}

stop('Connecting …');
setInterval(measure, 500);
start_page();
