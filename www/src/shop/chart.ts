import 'uplot/dist/uPlot.min.css';

import { html, type TemplateResult } from 'lit';
import uPlot from 'uplot';

import { language, locale } from '../texts';
import { AppElement } from '../ui/element';
import { percent } from '../ui/format';
import { s } from './texts';

const DAY = 86_400;

/** What may lie between two marks of time, seconds: whole days, because the marks name days. */
const STEPS = [1, 2, 7, 14, 30, 60, 91, 182, 365].map((days) => days * DAY);

/** A line of a chart. */
export interface Line {
  name: string;
  values: readonly (number | null)[];
  /** The custom property of the stylesheet that holds its colour. */
  colour: '--match' | '--unsure' | '--unknown' | '--focus' | '--alarm';
}

/** Values over time. What it shows stands beneath it as a table, for readers who do not see it. */
export class TimeChart extends AppElement {
  name = '';
  /** Seconds since 1970. */
  times: readonly number[] = [];
  lines: readonly Line[] = [];
  shares = false;
  #plot: uPlot | undefined;
  #resized: ResizeObserver | undefined;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resized?.disconnect();
    this.#plot?.destroy();
    this.#plot = undefined;
  }

  protected override render(): TemplateResult {
    const said = (value: number | null | undefined): string =>
      value == null ? '–' : this.shares ? percent(value, 1) : value.toLocaleString(locale);
    return html`<div class="chart" aria-hidden="true"></div>
      <div class="visually-hidden"><table>
        <caption>${this.name}</caption>
        <thead><tr><td></td>${this.lines.map(({ name }) => html`<th scope="col">${name}</th>`)}</tr></thead>
        <tbody>${this.times.map(
          (time, i) => html`<tr><th scope="row">${new Date(time * 1000).toLocaleDateString(locale)}</th>
            ${this.lines.map(({ values }) => html`<td>${said(values[i])}</td>`)}</tr>`,
        )}</tbody>
      </table></div>`;
  }

  protected override updated(): void {
    const place = this.querySelector<HTMLElement>('.chart');
    if (!place) return;
    this.#plot?.destroy();
    this.#resized?.disconnect();
    const style = getComputedStyle(this);
    const ink = style.getPropertyValue('--soft');
    const grid = { stroke: style.getPropertyValue('--line'), width: 1 };
    const size = (): { width: number; height: number } => ({ width: Math.max(200, place.clientWidth), height: 220 });
    const axis: uPlot.Axis = { stroke: ink, grid, ticks: grid };
    this.#plot = new uPlot(
      {
        ...size(),
        scales: {
          // Releases of one day would else fill a scale of seconds, and a single one a scale of years.
          x: {
            time: true,
            range: (_, first, last) => (last - first < 2 * DAY ? [first - DAY, last + DAY] : [first, last]),
          },
          y: this.shares ? { range: [0, 1] } : { range: (_, __, most) => [0, Math.max(1, most)] },
        },
        axes: [
          {
            ...axis,
            incrs: STEPS,
            values: (_, splits) =>
              splits.map((at) => new Date(at * 1000).toLocaleDateString(locale, { day: 'numeric', month: 'short' })),
          },
          {
            ...axis,
            side: language === 'ar' ? 1 : 3,
            values: (_, splits) => splits.map((value) => (this.shares ? percent(value) : value.toLocaleString(locale))),
          },
        ],
        series: [
          {
            label: s('chart.day'),
            value: (_, at) => (at == null ? '–' : new Date(at * 1000).toLocaleDateString(locale)),
          },
          ...this.lines.map(
            ({ name, colour }): uPlot.Series => ({
              label: name,
              stroke: style.getPropertyValue(colour),
              width: 2,
              points: { show: true, size: 7, fill: style.getPropertyValue(colour) },
              spanGaps: true,
              value: (_, value) =>
                value == null ? '–' : this.shares ? percent(value, 1) : value.toLocaleString(locale),
            }),
          ),
        ],
      },
      [[...this.times], ...this.lines.map(({ values }) => [...values])],
      place,
    );
    this.#resized = new ResizeObserver(() => this.#plot?.setSize(size()));
    this.#resized.observe(place);
  }
}
customElements.define('shop-chart', TimeChart);
