// scatter: y[.., index[.., j, ..], ..] += source[.., j, ..], y already holding what is added to.
// Deterministic and without float atomics: of all j that hit the same place, the first one's thread adds them all, in order of j.
// OP "add", or "set" (the last j stays), "mul", "max", "min" (NaN if there is one) in its place.
//
// MODE "slices" (an index shared by whole slices), twice over the same tensors. `linking`: links[j] = the next j with the same index, `count`
//   when there is none; bit 31 marks a j that is not the first of its index, or whose index is outside; one thread a j. Then thread
//   (outer, j, inner) of a first j walks the links and adds.
// MODE "elements" (an index for every element): thread (outer, j, inner) finds the other j itself.
// Outer and inner dimensions together are split over at most 7, with strides into source, y and index; the axis of j has steps of its own.
// Work: links length^2 / 2 comparisons, elements the same for every line along the axis.
// Signed indices count from the end when negative; what an index outside names is dropped.
// Compile: T=f32 MODE=slices OP=add | T=f16 MODE=elements OP=max | T=i32 MODE=elements OP=set
#if T == "f16"
enable f16;
#endif
#let ACC = T == "f16" ? "f32" : T

struct Params {
  count: u32,
  length: u32,
  extent: u32,
  signed: u32,
  index_offset: u32,
  index_step: u32,
  source_offset: u32,
  source_step: u32,
  y_step: u32,
  inner: u32,
  linking: u32, // slices only
  pad: u32,
  shape: array<vec4<u32>, 2>,
  source_strides: array<vec4<u32>, 2>,
  y_strides: array<vec4<u32>, 2>,
#if MODE == "elements"
  index_strides: array<vec4<u32>, 2>,
#endif
}

@group(0) @binding(0) var<storage, read> indices: array<u32>;
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> source: array<${T}>;
@group(0) @binding(3) var<storage, read_write> y: array<${T}>;
#if MODE == "slices"
@group(0) @binding(4) var<storage, read_write> links: array<u32>;
#endif

fn combine(a: ${ACC}, b: ${ACC}) -> ${ACC} {
#if OP == "add"
  return a + b;
#elif OP == "mul"
  return a * b;
#elif OP == "set"
  return b;
#else
  let first = a ${OP == "max" ? ">" : "<"} b;
#if ACC == "f32"
  return select(b, a, first || (bitcast<u32>(a) & 0x7fffffffu) > 0x7f800000u);
#else
  return select(b, a, first);
#endif
#endif
}

/// The position an index names; `extent` or more when it is outside.
fn position(place: u32) -> u32 {
  let index = indices[place];
  return select(index, index + params.extent, params.signed == 1u && bitcast<i32>(index) < 0);
}

#if MODE == "slices"
fn link_of(j: u32) -> u32 {
  let index = position(params.index_offset + j * params.index_step);
  var first = index < params.extent;
  for (var earlier = 0u; earlier < j && first; earlier++) {
    first = position(params.index_offset + earlier * params.index_step) != index;
  }
  var next = j + 1u;
  while (next < params.length) {
    if (position(params.index_offset + next * params.index_step) == index) { break; }
    next++;
  }
  return next | select(0x80000000u, 0u, first);
}
#endif

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let thread = (wid.x + wid.y * groups.x) * 64u + local;
  if (thread >= params.count) { return; }
#if MODE == "slices"
  if (params.linking == 1u) {
    links[thread] = link_of(thread);
    return;
  }
#endif
  // Neighbouring threads take neighbouring inner elements; what is left without j is one flat index over all other dimensions.
  let inner = thread % params.inner;
  let j = (thread / params.inner) % params.length;
  var rest = thread / (params.inner * params.length) * params.inner + inner;
  var origin = params.source_offset;
  var destination = 0u;
  var place = params.index_offset;
#for d in 8
#let D = 7 - d
  if (rest > 0u) {
    let size = params.shape[${D / 4}].${"xyzw"[D % 4]};
    let at = rest % size;
    rest = rest / size;
    origin += at * params.source_strides[${D / 4}].${"xyzw"[D % 4]};
    destination += at * params.y_strides[${D / 4}].${"xyzw"[D % 4]};
#if MODE == "elements"
    place += at * params.index_strides[${D / 4}].${"xyzw"[D % 4]};
#endif
  }
#endfor
  let index = position(place + j * params.index_step);
#if MODE == "slices"
  var link = links[j];
  if (link >= 0x80000000u) { return; }
#else
  if (index >= params.extent) { return; }
  for (var earlier = 0u; earlier < j; earlier++) {
    if (position(place + earlier * params.index_step) == index) { return; }
  }
#endif
  destination += index * params.y_step;
  var total = combine(${ACC}(y[destination]), ${ACC}(source[origin + j * params.source_step]));
#if MODE == "slices"
  while (link < params.length) {
    total = combine(total, ${ACC}(source[origin + link * params.source_step]));
    link = links[link] & 0x7fffffffu;
  }
#else
  for (var later = j + 1u; later < params.length; later++) {
    if (position(place + later * params.index_step) == index) {
      total = combine(total, ${ACC}(source[origin + later * params.source_step]));
    }
  }
#endif
  y[destination] = ${T}(total);
}
