// The seconds of a duration of Prometheus with one unit, such as 15m.
function(text)
  local units = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };
  std.parseInt(std.substr(text, 0, std.length(text) - 1)) * units[text[std.length(text) - 1]]
