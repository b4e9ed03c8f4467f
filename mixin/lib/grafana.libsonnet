// What the dashboards are made of: plain JSON of Grafana's schema 39, which 10 and newer read.
{
  local datasource = { type: 'prometheus', uid: '${datasource}' },

  // A query. With table it is asked once, for the end of the range, and shown with a column for each label.
  query(expr, legend='', table=false):: {
    datasource: datasource,
    expr: expr,
    legendFormat: if legend == '' then '__auto' else legend,
    [if table then 'format']: 'table',
    [if table then 'instant']: true,
  },

  local panel(type, title, description, unit, queries) = {
    type: type,
    title: title,
    description: description,
    datasource: datasource,
    gridPos: { h: 8, w: 12 },
    fieldConfig: { defaults: { unit: unit }, overrides: [] },
    options: {},
    targets: [queries[i] { refId: std.char(65 + i) } for i in std.range(0, std.length(queries) - 1)],
    size(w, h):: self { gridPos: { w: w, h: h } },
  },

  local steps(thresholds) = {
    mode: 'absolute',
    steps: [{ color: thresholds[0], value: null }] + [{ color: t[1], value: t[0] } for t in thresholds[1:]],
  },

  // Thresholds are a color to begin with, and then pairs of a value and the color from there on.
  stat(title, description, unit, expr, thresholds=['text']):: panel('stat', title, description, unit, [self.query(expr)]) {
    fieldConfig+: { defaults+: { color: { mode: 'thresholds' }, thresholds: steps(thresholds) } },
    options: {
      colorMode: if std.length(thresholds) > 1 then 'background' else 'value',
      graphMode: 'none',
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    },
  }.size(4, 4),

  timeseries(title, description, unit, queries, stack=false):: panel('timeseries', title, description, unit, queries) {
    fieldConfig+: { defaults+: {
      min: 0,
      custom: if stack then { fillOpacity: 60, lineWidth: 0, stacking: { mode: 'normal' } } else { fillOpacity: 0, lineWidth: 1 },
    } },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
  },

  // One bar for each series, worst first where the query sorts.
  bars(title, description, unit, query, thresholds=['green']):: panel('bargauge', title, description, unit, [query { instant: true }]) {
    fieldConfig+: { defaults+: { min: 0, color: { mode: 'thresholds' }, thresholds: steps(thresholds) } },
    options: { orientation: 'horizontal', displayMode: 'basic', reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false } },
  },

  // Labels of the scrape, and what every row has alike, are not shown.
  table(title, description, unit, expr, hidden=[]):: panel('table', title, description, unit, [self.query(expr, table=true)]) {
    transformations: [{
      id: 'organize',
      options: { excludeByName: { [name]: true for name in ['Time', '__name__', 'job'] + hidden } },
    }],
    options: { showHeader: true },
  },

  timeline(title, description, queries, mappings=[]):: panel('state-timeline', title, description, 'none', queries) {
    fieldConfig+: { defaults+: { custom: { fillOpacity: 80 }, mappings: mappings } },
    options: { mergeValues: true, showValue: 'never', rowHeight: 0.9 },
  },

  // What the values 0 and 1 mean.
  binary(zero, one):: [{
    type: 'value',
    options: { '0': { text: zero[0], color: zero[1], index: 0 }, '1': { text: one[0], color: one[1], index: 1 } },
  }],

  row(title):: { type: 'row', title: title, collapsed: false, panels: [], gridPos: { w: 24, h: 1 } },

  // Panels from left to right, and below where there is no room.
  local layout(panels) = std.foldl(
    function(acc, p)
      local wraps = acc.x + p.gridPos.w > 24;
      local at = if wraps then { x: 0, y: acc.y + acc.height } else { x: acc.x, y: acc.y };
      {
        x: at.x + p.gridPos.w,
        y: at.y,
        height: if wraps then p.gridPos.h else std.max(acc.height, p.gridPos.h),
        out: acc.out + [p { id: std.length(acc.out) + 1, gridPos+: at }],
      },
    panels,
    { x: 0, y: 0, height: 0, out: [] },
  ).out,

  // A variable with the values of a label; All also matches series that do not have it.
  variable(name, series, label, multi=true):: {
    name: name,
    label: name,
    type: 'query',
    datasource: datasource,
    query: { query: 'label_values(%s, %s)' % [series, label], refId: 'variable' },
    definition: 'label_values(%s, %s)' % [series, label],
    refresh: 2,
    sort: 1,
    multi: multi,
    includeAll: true,
    allValue: '.*',
    current: { text: ['All'], value: ['$__all'] },
  },

  // Marks at the times that are the values of a query, in milliseconds.
  marks(name, expr, title):: {
    name: name,
    datasource: datasource,
    enable: true,
    iconColor: 'orange',
    expr: expr,
    titleFormat: title,
    useValueForTime: true,
    step: '60s',
  },

  dashboard(c, uid, title, description, variables, panels, annotations=[]):: {
    uid: uid,
    title: c.dashboardTitlePrefix + title,
    description: description,
    tags: c.dashboardTags,
    schemaVersion: 39,
    editable: false,
    graphTooltip: 1,
    refresh: c.dashboardRefresh,
    time: { from: 'now-6h', to: 'now' },
    timezone: 'browser',
    links: [{ type: 'dashboards', tags: c.dashboardTags, title: 'Healthcheck', asDropdown: true, includeVars: true, keepTime: true }],
    templating: { list: [{ name: 'datasource', label: 'data source', type: 'datasource', query: 'prometheus' }] + variables },
    annotations: { list: annotations },
    panels: layout(panels),
  },
}
