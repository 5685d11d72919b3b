// grid_sample: images x [N, C, H, W] at the points of grid [N, H', W', 2], pairs (x, y) from -1 to 1. With the weights a and b of the taps around a point
// along x and y, or their derivatives by the point of params.order:
//   PASS "sample": result[n, c, p] = sum over taps of a b x[n, c, tap]; one thread an element.
//   PASS "spread": its transpose, result[n, c, cell] = sum over points of a b y[n, c, p] at the taps in that cell. One thread a cell of up to four channels; points
//                  in order, no atomics.
//   PASS "slopes": result[n, p] = sum over c of y[n, c, p] times the derivatives of "sample" by the point's x and y; one thread a point.
// Layout: x strided; grid, y and result contiguous, at any offset. mode 0 nearest, 1 linear, 2 cubic; padding 0 zeros, 1 border, 2 reflection. Modes, paddings and
// orders are parameters, so that one pipeline a pass serves all of them.
// Numerics: f32. Cubic taps are put inside one by one, else the point is. A point that is NaN gives NaN, and takes part in no cell.
// Compile: PASS=sample | PASS=spread | PASS=slopes
struct Params {
  count: u32,
  channels: u32,
  points: u32,
  x_offset: u32,
  x_strides: vec4<u32>,
  size: vec2<u32>, // [W, H], as a point's coordinates
  order: vec2<u32>,
  grid_offset: u32,
  y_offset: u32,
  mode: u32,
  padding: u32,
  align_corners: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> grid: array<f32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;
#if PASS != "spread"
@group(0) @binding(3) var<storage, read> x: array<f32>;
#endif
#if PASS != "sample"
@group(0) @binding(4) var<storage, read> y: array<f32>;
#endif

fn is_nan(value: f32) -> bool { return (bitcast<u32>(value) & 0x7fffffffu) > 0x7f800000u; }

/// A coordinate in cells, and its derivative by what it was made of.
struct Coordinate {
  at: f32,
  slope: f32,
}

fn inside_of(at: f32, axis: u32) -> Coordinate {
  if (params.padding == 0u) { return Coordinate(at, 1.0); }
  let last = f32(params.size[axis] - 1u);
  var place = Coordinate(at, 1.0);
  if (params.padding == 2u) {
    let low = select(-0.5, 0.0, params.align_corners != 0u);
    // An image of one cell with its corners on one another has no room to reflect in.
    let span = max(1.0, last - 2.0 * low);
    let far = abs(at - low);
    let turned = far - floor(far / (2.0 * span)) * 2.0 * span;
    place = Coordinate(low + span - abs(turned - span), sign(at - low) * select(1.0, -1.0, turned > span));
  }
  let is_inside = place.at >= 0.0 && place.at <= last;
  return Coordinate(clamp(place.at, 0.0, last), select(0.0, place.slope, is_inside));
}

/// The taps of a point along an axis: cells from `first` on, the way from the cell before it, and how fast it moves with the point.
struct Taps {
  first: i32,
  way: f32,
  slope: f32,
}

fn taps_at(point: f32, axis: u32) -> Taps {
  let size = f32(params.size[axis]);
  let factor = 0.5 * select(size, size - 1.0, params.align_corners != 0u);
  var place = Coordinate(0.5 * (size - 1.0) + point * factor, 1.0);
  if (params.mode != 2u) { place = inside_of(place.at, axis); }
  // Farther out no tap is inside.
  let at = clamp(place.at, -1e6, 2e7);
  let before = select(floor(at), round(at), params.mode == 0u);
  return Taps(i32(before) - select(0, 1, params.mode == 2u), at - before, factor * place.slope);
}

/// The cell of a tap, -1 outside.
fn cell_of(tap: i32, axis: u32) -> i32 {
  var cell = tap;
  if (params.mode == 2u) { cell = i32(inside_of(f32(tap), axis).at); }
  return select(-1, cell, cell >= 0 && cell < i32(params.size[axis]));
}

fn reach() -> i32 { return 1 << params.mode; }

/// Weight of tap `index` as a polynomial of the way, differentiated `order` times; cubic: Keys' with a = -0.75.
fn weight_of(taps: Taps, index: i32, order: u32) -> f32 {
  var c = vec4<f32>(1.0, 0.0, 0.0, 0.0);
  if (params.mode == 1u) {
    c = select(vec4<f32>(1.0, -1.0, 0.0, 0.0), vec4<f32>(0.0, 1.0, 0.0, 0.0), index == 1);
  } else if (params.mode == 2u) {
    switch index {
      case 0: { c = vec4<f32>(0.0, -0.75, 1.5, -0.75); }
      case 1: { c = vec4<f32>(1.0, 0.0, -2.25, 1.25); }
      case 2: { c = vec4<f32>(0.0, 0.75, 1.5, -1.25); }
      default: { c = vec4<f32>(0.0, 0.0, -0.75, 0.75); }
    }
  }
  for (var k = 0u; k < order; k++) { c = vec4<f32>(c.y, 2.0 * c.z, 3.0 * c.w, 0.0) * taps.slope; }
  return c.x + taps.way * (c.y + taps.way * (c.z + taps.way * c.w));
}

#if PASS == "spread"
/// Weight of all taps of a point along an axis that lie in `cell`: with repeated or reflected edges there may be several.
fn weight_in(point: f32, axis: u32, cell: i32) -> f32 {
  let taps = taps_at(point, axis);
  var sum = 0.0;
  for (var k = 0; k < reach(); k++) {
    if (cell_of(taps.first + k, axis) == cell) { sum += weight_of(taps, k, params.order[axis]); }
  }
  return sum;
}
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = (wid.x + wid.y * groups.x) * 64u + local;
  if (index >= params.count) { return; }
#if PASS == "spread"
  let cells = params.size.x * params.size.y;
  let blocks = (params.channels + 3u) / 4u;
  let cell = index % cells;
  let channel = index / cells % blocks * 4u;
  let image = index / cells / blocks;
  var sums = vec4<f32>();
  for (var p = 0u; p < params.points; p++) {
    let at = params.grid_offset + 2u * (image * params.points + p);
    let point = vec2<f32>(grid[at], grid[at + 1u]);
    if (is_nan(point.x) || is_nan(point.y)) { continue; }
    let across = weight_in(point.x, 0u, i32(cell % params.size.x));
    if (across == 0.0) { continue; }
    let weight = across * weight_in(point.y, 1u, i32(cell / params.size.x));
    if (weight == 0.0) { continue; }
    for (var k = 0u; k < min(4u, params.channels - channel); k++) {
      sums[k] += weight * y[params.y_offset + (image * params.channels + channel + k) * params.points + p];
    }
  }
  for (var k = 0u; k < min(4u, params.channels - channel); k++) {
    result[(image * params.channels + channel + k) * cells + cell] = sums[k];
  }
#else
#if PASS == "sample"
  let plane = index / params.points;
  let image = plane / params.channels;
  let p = image * params.points + index % params.points;
#else
  let image = index / params.points;
  let p = index;
#endif
  let point = vec2<f32>(grid[params.grid_offset + 2u * p], grid[params.grid_offset + 2u * p + 1u]);
  let across = taps_at(point.x, 0u);
  let down = taps_at(point.y, 1u);
  let base = params.x_offset + image * params.x_strides.x;
#if PASS == "sample"
  var sum = 0.0;
#else
  var sum = vec2<f32>();
#endif
  for (var i = 0; i < reach(); i++) {
    let row = cell_of(down.first + i, 1u);
    if (row < 0) { continue; }
    for (var j = 0; j < reach(); j++) {
      let column = cell_of(across.first + j, 0u);
      if (column < 0) { continue; }
      let at = base + u32(row) * params.x_strides.z + u32(column) * params.x_strides.w;
      let weights = vec2<f32>(weight_of(across, j, params.order.x), weight_of(down, i, params.order.y));
#if PASS == "sample"
      sum += weights.x * weights.y * x[at + plane % params.channels * params.x_strides.y];
#else
      let slopes = vec2<f32>(weight_of(across, j, params.order.x + 1u), weight_of(down, i, params.order.y + 1u));
      var product = 0.0;
      for (var c = 0u; c < params.channels; c++) {
        let value = y[params.y_offset + (image * params.channels + c) * params.points + index % params.points];
        product += value * x[at + c * params.x_strides.y];
      }
      sum += product * slopes * weights.yx;
#endif
    }
  }
  // Not a number stays one, whatever the taps are.
  let missing = point.x + point.y;
#if PASS == "sample"
  result[index] = select(sum, missing, is_nan(missing));
#else
  result[2u * index] = select(sum.x, missing, is_nan(missing));
  result[2u * index + 1u] = select(sum.y, missing, is_nan(missing));
#endif
#endif
}
