// cat: joins up to K inputs side by side in rows of the output.
// Layout: every input is [outer, width] with unit stride inside a row (V = 4: widths, strides and offsets count vec4s); the output row is
// y_width wide and this dispatch fills `width` columns of it from column `column`. One thread an output element (or vec4).
// Inputs beyond the real ones are bound to any tensor and end where they start, so no thread reads them.
// Compile: T=u32 K=2 V=4 | T=f16 K=7 V=1
#if T == "f16"
enable f16;
#endif
#let TYPE = V == 4 ? "vec4<" : ""
#let END = V == 4 ? ">" : ""

struct Params {
  count: u32,
  width: u32,
  column: u32,
  y_width: u32,
  // An input: offset, row stride, first column of this dispatch, its end.
#for i in K
  input${i}: vec4<u32>,
#endfor
}

#for i in K
@group(0) @binding(${i}) var<storage, read> x${i}: array<${TYPE}${T}${END}>;
#endfor
@group(0) @binding(${K}) var<storage, read_write> y: array<${TYPE}${T}${END}>;
@group(0) @binding(${K + 1}) var<uniform> params: Params;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = (wid.x + wid.y * groups.x) * 64u + local;
  if (index >= params.count) { return; }
  let row = index / params.width;
  let column = index % params.width;
  let destination = row * params.y_width + params.column + column;
#for i in K
  if (column >= params.input${i}.z && column < params.input${i}.w) {
    y[destination] = x${i}[params.input${i}.x + row * params.input${i}.y + column - params.input${i}.z];
  }
#endfor
}
