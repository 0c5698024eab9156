// SPDX-License-Identifier: LGPL-2.1-or-later
// The page: what is clicked and what is shown. The camera, the connection and the form are modules of their own.
import {Camera} from './camera.js';
import {Connection} from './connection.js';
import {SettingsForm} from './settings.js';

const $ = id => document.getElementById(id);
const user = crypto.randomUUID ? crypto.randomUUID() : Array.from(crypto.getRandomValues(new Uint8Array(16)), b => b.toString(16).padStart(2, '0')).join('');
const camera = new Camera($('before'));
const form = new SettingsForm($('settings'));
let connection = null;

function say(text, bad = false) {
  $('state').textContent = text;
  $('state').classList.toggle('bad', bad);
}

const explanations = {
  NotAllowedError: 'The camera was not allowed. Allow it in the address bar, then press Start.',
  NotFoundError: 'There is no camera here.',
  NotReadableError: 'Another program uses the camera.',
};

// What the server tells, in words for the person.
const heard = {
  connected: () => {
    say('Connected');
    $('after').src = `/api/stream/${user}`;
    $('after').hidden = false;
    $('empty').hidden = true;
  },
  wait: () => say('The server is getting ready. One moment …'),
  send_frame: () => say('Live'),
  mode_changed: message => say(`Editing: ${names[message.mode] ?? message.mode}`),
  timeout: message => stop(message.message ?? 'The session has ended.'),
  error: message => say(message.message ?? 'The server refused this.', true),
};

const names = {full: 'the whole picture', human: 'only me', background: 'only the background'};

function stop(text, bad = false) {
  connection?.close();
  connection = null;
  camera.stop();
  $('after').removeAttribute('src');
  $('after').hidden = true;
  $('empty').hidden = false;
  $('rate').textContent = '';
  $('start').textContent = 'Start the camera';
  say(text, bad);
}

async function start() {
  $('start').disabled = true;
  try {
    await camera.start(() => stop('The camera has gone.', true));
  } catch (error) {
    say(explanations[error.name] ?? `The camera could not be started: ${error.message}`, true);
    return;
  } finally {
    $('start').disabled = false;
  }
  $('start').textContent = 'Stop';
  connection = new Connection(user, {
    picture: () => camera.picture(),
    settings: () => ({...form.values(), prompt: $('prompt').value}),
    heard: message => heard[message.status]?.(message),
    rate: frames => { $('rate').textContent = `${frames} pictures a second`; },
    lost: seconds => {
      // Its stream has gone with the server; the next "connected" brings a new one.
      $('after').removeAttribute('src');
      say(`The connection is lost. Trying again in ${seconds} s …`, true);
    },
  });
}

function showModes(modes) {
  for (const mode of Object.keys(names).filter(mode => modes.includes(mode))) {
    const label = document.createElement('label');
    const input = Object.assign(document.createElement('input'), {type: 'radio', name: 'mode', value: mode, checked: mode === 'full'});
    input.addEventListener('change', () => connection?.setMode(mode));
    label.append(input, ` ${names[mode]}`);
    $('modes').append(label);
  }
  $('modes').hidden = $('modes').querySelectorAll('input').length < 2;
}

async function load() {
  const response = await fetch('/api/settings');
  if (response.status === 401 || response.status === 429) {
    $('login').hidden = false;
    say(response.status === 401 ? 'Sign in to go on.' : 'Too many wrong tokens: wait a minute.', response.status === 429);
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
  say('Ready');
}

$('login').addEventListener('submit', async event => {
  event.preventDefault();
  const response = await fetch('/ticket', {method: 'POST', headers: {Authorization: `Bearer ${$('token').value}`}});
  if (response.ok) load();
  else say('That is not the token.', true);
});
$('prompt-form').addEventListener('submit', event => event.preventDefault());
$('start').addEventListener('click', () => connection ? stop('Stopped') : start());
load().catch(error => {
  say('The server does not answer.', true);
  console.error(error);
});
