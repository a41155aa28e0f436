// A camera that sees what the office's program printed: a film of one picture, as Chromium plays one in place of a camera.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [WIDTH, HEIGHT, SQUARE] = [640, 480, 8];
const [DARK, LIGHT, GREY] = [16, 235, 128];

export class Camera {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Looks at a picture, drawn in a terminal with two rows of squares to a line, black on white. */
  static async seeing(terminal: string): Promise<Camera> {
    const camera = new Camera(await mkdtemp(join(tmpdir(), 'sojourn-camera-')));
    const lines = terminal.split('\n').filter((line) => line.startsWith('\u001b'));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's colours begin with one
    await writeFile(camera.#film, film(lines.map((line) => line.replaceAll(/\u001b\[[0-9;]*m/g, ''))));
    return camera;
  }

  get #film(): string {
    return join(this.#folder, 'seen.y4m');
  }

  /** What a browser has to be started with to have this camera, and to be allowed it. */
  get args(): string[] {
    return [
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
      `--use-file-for-fake-video-capture=${this.#film}`,
    ];
  }

  async close(): Promise<void> {
    await rm(this.#folder, { recursive: true });
  }
}

/** One frame of YUV 4:2:0, which is played again and again. */
function film(lines: string[]): Buffer {
  const light = Buffer.alloc(WIDTH * HEIGHT, LIGHT);
  const dark = (x: number, y: number): void => {
    for (let row = 0; row < SQUARE; row += 1) {
      const from = ((y + 1) * SQUARE + row) * WIDTH + (x + 1) * SQUARE;
      light.fill(DARK, from, from + SQUARE);
    }
  };
  for (const [at, line] of lines.entries()) {
    for (const [x, square] of [...line].entries()) {
      if (square === '█' || square === '▀') dark(x, 2 * at);
      if (square === '█' || square === '▄') dark(x, 2 * at + 1);
    }
  }
  const colours = Buffer.alloc((WIDTH * HEIGHT) / 2, GREY);
  const head = `YUV4MPEG2 W${WIDTH} H${HEIGHT} F10:1 Ip A1:1 C420jpeg\nFRAME\n`;
  return Buffer.concat([Buffer.from(head), light, colours]);
}
