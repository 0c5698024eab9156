// SPDX-License-Identifier: LGPL-2.1-or-later
// The page of a viewer's link: the picture alone. WebRTC, else MJPEG.
import {ask} from './access.js';
import {Viewer} from './webrtc.js';

const AGAIN = 1500;  // milliseconds

export async function watch(user, {cover, stage, video, picture, empty}) {
  await ask('/api/queue');  // whoever has to sign in does it now
  document.body.classList.add('watching');
  stage.classList.remove('idle');
  empty.hidden = true;
  cover('Waiting for the picture …');
  const again = () => {
    cover('The picture has stopped. This page goes on when it comes again.');
    setTimeout(open, AGAIN);
  };
  const plain = () => {
    picture.hidden = false;
    video.hidden = true;
    picture.onload = () => cover(null);
    picture.onerror = () => { picture.removeAttribute('src'); again(); };
    picture.src = `/api/stream/${encodeURIComponent(user)}?${Date.now()}`;
  };
  const open = async () => {
    const viewer = new Viewer();
    try {
      await viewer.open(encodeURIComponent(user), video, () => { viewer.close(); again(); });
      video.hidden = false;
      picture.hidden = true;
      cover(null);
    } catch (error) {
      viewer.close();
      if ('status' in error) again();
      else plain();
    }
  };
  open();
}
