// SPDX-License-Identifier: LGPL-2.1-or-later
// What is edited: a camera, a screen, a film or a picture, as a MediaStream and, for the WebSocket, as JPEGs; or nothing, where text alone is.
const MAX_SIDE = 512, QUALITY = 0.85;  // of JPEGs
const STILL = 100;  // milliseconds that a single picture is shown, so that it does not take all of the server's time

export class Source {
  #video;
  #canvas = document.createElement('canvas');
  #stream = null;
  #url = null;
  #still = null;  // a picture as it is sent
  #way = 'video';

  // `video`: the element that shows it.
  constructor(video) {
    this.#video = video;
  }

  // How it goes to the server: 'media', as a stream; 'image', as JPEGs; 'video': there is nothing but text. A single picture goes as a JPEG, because a
  // canvas' stream loses its colours on the way through a video codec.
  get way() { return this.#way; }
  get stream() { return this.#stream; }

  // `kind`: 'camera', 'screen', 'text' or a File. `gone`: called when it ends by itself.
  async start(kind, gone) {
    this.#way = kind === 'text' ? 'video' : kind.type?.startsWith('image/') ? 'image' : 'media';
    this.#url = kind instanceof File ? URL.createObjectURL(kind) : null;
    if (this.#way === 'video') return;
    if (this.#way === 'image') return this.#openPicture();
    if (kind instanceof File) {
      await this.#openFilm();
    } else {
      if (!navigator.mediaDevices) throw new Error('browsers give cameras to https pages and to this machine\'s own only');
      this.#stream = kind === 'screen'
        ? await navigator.mediaDevices.getDisplayMedia({video: {frameRate: {ideal: 30}}, audio: false})
        : await navigator.mediaDevices.getUserMedia({video: {width: {ideal: 640}, height: {ideal: 480}, frameRate: {ideal: 30}, facingMode: 'user'}, audio: false});
      this.#video.srcObject = this.#stream;
    }
    for (const track of this.#stream.getVideoTracks()) track.addEventListener('ended', gone);
    await this.#video.play();
  }

  async #openFilm() {
    this.#video.src = this.#url;
    this.#video.loop = true;
    await new Promise((done, failed) => {
      this.#video.onloadeddata = done;
      this.#video.onerror = () => failed(new Error('this file is no film that the browser can play'));
    });
    await this.#video.play();
    this.#stream = this.#video.captureStream();
  }

  async #openPicture() {
    const picture = new Image();
    picture.src = this.#url;
    await picture.decode().catch(() => { throw new Error('this file is no picture that the browser can show'); });
    this.#still = await this.#jpeg(picture, picture.naturalWidth, picture.naturalHeight);
    this.#video.poster = this.#url;
  }

  stop() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = this.#still = null;
    this.#video.onerror = this.#video.onloadeddata = null;
    this.#video.srcObject = null;
    this.#video.removeAttribute('src');
    this.#video.removeAttribute('poster');
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = null;
  }

  // A Blob; empty where there is no picture yet.
  async picture() {
    if (this.#still) {
      await new Promise(done => setTimeout(done, STILL));
      return this.#still;
    }
    const {videoWidth: width, videoHeight: height} = this.#video;
    return width ? this.#jpeg(this.#video, width, height) : new Blob();
  }

  #jpeg(shown, width, height) {
    const scale = Math.min(1, MAX_SIDE / Math.max(width, height));
    this.#canvas.width = Math.max(1, Math.round(width * scale));
    this.#canvas.height = Math.max(1, Math.round(height * scale));
    this.#canvas.getContext('2d').drawImage(shown, 0, 0, this.#canvas.width, this.#canvas.height);
    return new Promise(done => this.#canvas.toBlob(blob => done(blob ?? new Blob()), 'image/jpeg', QUALITY));
  }
}
