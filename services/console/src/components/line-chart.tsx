import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

/** One line of a chart. */
export interface Line {
  readonly label: string;
  /** One at each time; null where there is none. */
  readonly values: readonly (number | null)[];
}

interface Props {
  /** What the chart shows; the figures themselves are in a table next to it. */
  readonly label: string;
  /** Times of the points, ms. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  /** The points are UTC days. @default times of the browser's zone */
  readonly days?: boolean;
}

const HEIGHT = 240;
/** Distinguishable without colour by their dashes. */
const STROKES = {
  light: ['#3b5bdb', '#c92a2a', '#087f5b'],
  dark: ['#91a7ff', '#ffa8a8', '#63e6be'],
} as const;
const DASHES: readonly number[][] = [[], [6, 4], [2, 3]];
const AXIS = { light: '#495057', dark: '#ced4da' } as const;
const GRID = { light: '#e9ecef', dark: '#3b3b3b' } as const;
const MS_PER_SECOND = 1_000;

/** Lines over time, as wide as there is room. */
export function LineChart({ label, times, lines, days = false }: Props) {
  const scheme = useComputedColorScheme('light');
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const axis = { stroke: AXIS[scheme], grid: { stroke: GRID[scheme] }, ticks: { stroke: GRID[scheme] } };
    const chart = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        ...(days && { tzDate: (seconds) => uPlot.tzDate(new Date(seconds * MS_PER_SECOND), 'Etc/UTC') }),
        axes: [axis, { ...axis, size: 60 }],
        series: [
          { value: days ? '{YYYY}-{MM}-{DD}' : '{HH}:{mm}:{ss}' },
          ...lines.map((line, i) => ({
            label: line.label,
            stroke: STROKES[scheme][i % STROKES[scheme].length],
            dash: DASHES[i % DASHES.length],
            width: 2,
          })),
        ],
      },
      [times.map((ms) => ms / MS_PER_SECOND), ...lines.map(({ values }) => [...values])],
      element,
    );
    const observer = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
    };
  }, [scheme, times, lines, days]);
  return <div ref={place} role="img" aria-label={label} className="chart" />;
}
