/** One line of a chart. */
export interface Series {
  readonly name: string;
  /** Points by rising x. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface LineChart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
  /** Draws a value until the next one instead of a slope to it. @default false */
  readonly steps?: boolean;
}

const WIDTH = 820;
const HEIGHT = 320;
const LEFT = 64;
const RIGHT = 180;
const TOP = 36;
const BOTTOM = 44;
const TICKS = 5;
/** Distinguishable for most kinds of colour blindness (Okabe and Ito). */
const COLOURS = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000', '#999999'];

/** A chart as an SVG document, for the pages of docs/. */
export function lineChart({ title, xLabel, yLabel, series, steps = false }: LineChart): string {
  const all = series.flatMap(({ points }) => points);
  const xMin = Math.min(...all.map(([x]) => x));
  const xMax = Math.max(...all.map(([x]) => x));
  const yMax = niceMaximum(Math.max(...all.map(([, y]) => y)));
  const right = WIDTH - RIGHT;
  const bottom = HEIGHT - BOTTOM;
  const atX = (x: number) => LEFT + ((x - xMin) / (xMax - xMin || 1)) * (right - LEFT);
  const atY = (y: number) => bottom - (y / yMax) * (bottom - TOP);
  const text = (x: number, y: number, words: string, more = '') =>
    `<text x="${round(x)}" y="${round(y)}" ${more}>${escaped(words)}</text>`;
  const lines: string[] = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#222" role="img" aria-label="${escaped(title)}">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(LEFT, 20, title, 'font-size="14" font-weight="bold"'),
  ];
  for (let i = 0; i <= TICKS; i++) {
    const y = (yMax * i) / TICKS;
    lines.push(
      `<path d="M${LEFT} ${round(atY(y))}H${right}" stroke="#ddd"/>`,
      text(LEFT - 6, atY(y) + 4, label(y), 'text-anchor="end"'),
    );
    const x = xMin + ((xMax - xMin) * i) / TICKS;
    lines.push(text(atX(x), bottom + 16, label(x), 'text-anchor="middle"'));
  }
  lines.push(
    text((LEFT + right) / 2, HEIGHT - 8, xLabel, 'text-anchor="middle"'),
    text(
      14,
      (TOP + bottom) / 2,
      yLabel,
      `text-anchor="middle" transform="rotate(-90 14 ${(TOP + bottom) / 2})"`,
    ),
  );
  for (const [i, { name, points }] of series.entries()) {
    const colour = COLOURS[i % COLOURS.length];
    const path = points.map(([x, y], n) => {
      if (n === 0) return `M${round(atX(x))} ${round(atY(y))}`;
      return steps ? `H${round(atX(x))}V${round(atY(y))}` : `L${round(atX(x))} ${round(atY(y))}`;
    });
    const y = TOP + 10 + i * 18;
    lines.push(
      `<path d="${path.join('')}" fill="none" stroke="${colour}" stroke-width="1.8"/>`,
      `<path d="M${right + 12} ${y}h18" stroke="${colour}" stroke-width="3"/>`,
      text(right + 36, y + 4, name),
    );
  }
  return `${lines.join('\n')}\n</svg>\n`;
}

function niceMaximum(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= value) ?? 10) * power;
}

function label(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(value < 10 ? 1 : 0);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
