// SPDX-License-Identifier: LGPL-2.1-or-later
// What is edited: a camera, a screen, a film or a picture, as a MediaStream and, for the WebSocket, as JPEGs.
const MAX_SIDE = 512, QUALITY = 0.85;  // of JPEGs
const STILL_FPS = 10;

export class Source {
  #video;
  #canvas = document.createElement('canvas');
  #stream = null;
  #url = null;
  #still = null;

  // `video`: the element that shows it.
  constructor(video) {
    this.#video = video;
  }

  get stream() { return this.#stream; }

  // `kind`: 'camera', 'screen' or a File. `gone`: called when it ends by itself.
  async start(kind, gone) {
    if (kind instanceof File) {
      await this.#open(kind);
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

  async #open(file) {
    this.#url = URL.createObjectURL(file);
    if (file.type.startsWith('image/')) return this.#openPicture();
    this.#video.src = this.#url;
    this.#video.loop = true;
    await new Promise((done, failed) => {
      this.#video.onloadeddata = done;
      this.#video.onerror = () => failed(new Error('this file is no film that the browser can play'));
    });
    await this.#video.play();
    this.#stream = this.#video.captureStream();
  }

  // A still picture becomes a film of one, so that it goes the same way.
  async #openPicture() {
    const picture = new Image();
    picture.src = this.#url;
    await picture.decode().catch(() => { throw new Error('this file is no picture that the browser can show'); });
    const canvas = document.createElement('canvas');
    const scale = Math.min(1, 1024 / Math.max(picture.naturalWidth, picture.naturalHeight));
    canvas.width = Math.round(picture.naturalWidth * scale);
    canvas.height = Math.round(picture.naturalHeight * scale);
    const context = canvas.getContext('2d');
    const draw = () => context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    draw();
    this.#still = setInterval(draw, 1000 / STILL_FPS);
    this.#stream = canvas.captureStream(STILL_FPS);
    this.#video.srcObject = this.#stream;
  }

  stop() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    clearInterval(this.#still);
    this.#stream = this.#still = null;
    this.#video.onerror = this.#video.onloadeddata = null;
    this.#video.srcObject = null;
    this.#video.removeAttribute('src');
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#url = null;
  }

  // A Blob; empty where there is no picture yet.
  picture() {
    const {videoWidth: width, videoHeight: height} = this.#video;
    if (!width) return Promise.resolve(new Blob());
    const scale = Math.min(1, MAX_SIDE / Math.max(width, height));
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
    this.#canvas.getContext('2d').drawImage(this.#video, 0, 0, this.#canvas.width, this.#canvas.height);
    return new Promise(done => this.#canvas.toBlob(blob => done(blob ?? new Blob()), 'image/jpeg', QUALITY));
  }
}
