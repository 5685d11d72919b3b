// scan: running sums along lines. One thread a line and chunk of it; neighbours are neighbouring lines.
// PASS "totals": y[line, chunk] = sum of the chunk; "scan": y = running sum, with CARRY 1 added to carry[line, chunk - 1], the running
// sums of the totals. Defines: T, TY storage types; A arithmetic type (f32, i32, u32).
// Numerics: f32; chunks bound how many additions an element goes through, and each chunk is summed from 0: small terms count beside a large carry.
// Compile: T=f32 TY=f32 A=f32 PASS=scan CARRY=1 | T=i32 TY=i32 A=i32 PASS=totals CARRY=0
#if T == "f16" || TY == "f16"
enable f16;
#endif
struct Params {
  lines: u32,
  length: u32,
  chunk: u32,
  chunks: u32,
  x_offset: u32,
  x_step: u32,
  y_step: u32,
  pad: u32,
  shape: array<vec4<u32>, 2>,
  x_strides: array<vec4<u32>, 2>,
  y_strides: array<vec4<u32>, 2>,
}
@group(0) @binding(0) var<storage, read> x: array<${T}>;
@group(0) @binding(1) var<storage, read_write> y: array<${TY}>;
#if CARRY
@group(0) @binding(2) var<storage, read> carry: array<${A}>;
#endif
@group(0) @binding(3) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let task = (wid.x + wid.y * groups.x) * 64u + local;
  if (task >= params.lines * params.chunks) { return; }
  let line = task % params.lines;
  let chunk = task / params.lines;
  var rest = line;
  var source = params.x_offset;
  var place = 0u;
#let AT = "source"
#let STRIDES = "x_strides"
#let WALK_TWO = 1
#let AT_TWO = "place"
#let STRIDES_TWO = "y_strides"
#include "index.walk.wgsl"
  let begin = chunk * params.chunk;
  let end = min(begin + params.chunk, params.length);
  var running = ${A}(0);
  var before = ${A}(0);
#if CARRY
  if (chunk > 0u) { before = carry[line * params.chunks + chunk - 1u]; }
#endif
  for (var i = begin; i < end; i++) {
    running += ${A}(x[source + i * params.x_step]);
#if PASS == "scan"
    y[place + i * params.y_step] = ${TY}(before + running);
#endif
  }
#if PASS == "totals"
  y[line * params.chunks + chunk] = running;
#endif
}
