/** Unit of the values of a panel, in the words of Grafana. */
export type Unit = 'short' | 'ops' | 's' | 'bytes' | 'percentunit';

/** One diagram. */
export interface Panel {
  readonly title: string;
  /** What it says to a person who sees it for the first time. */
  readonly description: string;
  readonly unit: Unit;
  readonly queries: readonly Query[];
}

/** A PromQL expression, and the name of its series. */
export interface Query {
  readonly expr: string;
  readonly legend: string;
}

/** Panels below a heading. */
export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** A dashboard, apart from what Grafana wants to know. */
export interface Dashboard {
  /** At most 40 letters, digits and dashes; unique in a Grafana. */
  readonly uid: string;
  readonly title: string;
  readonly rows: readonly Row[];
}

const COLUMNS = 24;
const PANELS_PER_ROW = 3;
const PANEL_HEIGHT = 8;
/** Of Grafana 10 and later. */
const SCHEMA_VERSION = 38;
// biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of Grafana.
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

/** The JSON model of a dashboard, for Grafana 10 and later. The Prometheus is chosen on the page. */
export function grafanaModel({ uid, title, rows }: Dashboard): object {
  let [id, y] = [1, 0];
  const panels: object[] = [];
  for (const row of rows) {
    panels.push({
      id: id++,
      type: 'row',
      title: row.title,
      collapsed: false,
      gridPos: { h: 1, w: COLUMNS, x: 0, y },
      panels: [],
    });
    y += 1;
    const width = COLUMNS / PANELS_PER_ROW;
    row.panels.forEach((panel, index) => {
      const column = index % PANELS_PER_ROW;
      const top = y + Math.floor(index / PANELS_PER_ROW) * PANEL_HEIGHT;
      panels.push(panelModel(panel, id++, { h: PANEL_HEIGHT, w: width, x: column * width, y: top }));
    });
    y += Math.ceil(row.panels.length / PANELS_PER_ROW) * PANEL_HEIGHT;
  }
  return {
    uid,
    title,
    tags: ['openim'],
    schemaVersion: SCHEMA_VERSION,
    editable: true,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    timezone: 'browser',
    templating: {
      list: [{ name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Prometheus', hide: 0 }],
    },
    panels,
  };
}

function panelModel(panel: Panel, id: number, gridPos: object): object {
  return {
    id,
    type: 'timeseries',
    title: panel.title,
    description: panel.description,
    datasource: DATASOURCE,
    gridPos,
    fieldConfig: { defaults: { unit: panel.unit, min: 0 }, overrides: [] },
    options: {
      legend: { displayMode: 'list', placement: 'bottom' },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
    targets: panel.queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + index),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
    })),
  };
}
