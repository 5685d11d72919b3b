// cat: joins up to K inputs side by side in rows of the output.
// Layout: every input is [outer, width] with unit stride inside a row (V = 4: widths, strides and offsets count vec4s); the output row is
// y_width wide and this dispatch fills `width` columns of it from column `column`. A thread takes params.run neighbours of a row, and of each
// input what falls among them. WG threads a workgroup; GPUs want run 1 and WG 64, CPU adapters long runs and WG 8.
// Columns before `begin` and from `end` on are of no input, and become 0.
// Inputs beyond the real ones are bound to any tensor and end where they start, so no thread reads them.
// Measured: docs/kernels/cat.md
// Compile: T=u32 K=4 V=4 WG=8 | T=f16 K=7 V=1 WG=64 | T=u32 K=12 V=4 WG=8 BUFFERS=13
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
  run: u32,
  begin: u32, // of the inputs, among the columns of this dispatch
  end: u32,
  pad: u32,
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

@compute @workgroup_size(${WG})
fn main(@builtin(workgroup_id) wid: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let thread = (wid.x + wid.y * groups.x) * ${WG}u + local;
  if (thread >= params.count) { return; }
  let runs = (params.width + params.run - 1u) / params.run;
  let row = thread / runs;
  let first = (thread - row * runs) * params.run;
  let last = min(first + params.run, params.width);
  let destination = row * params.y_width + params.column;
  for (var column = first; column < min(last, params.begin); column++) { y[destination + column] = ${TYPE}${T}${END}(); }
  for (var column = max(first, params.end); column < last; column++) { y[destination + column] = ${TYPE}${T}${END}(); }
#for i in K
  let source${i} = params.input${i}.x + row * params.input${i}.y - params.input${i}.z;
  for (var column = max(first, params.input${i}.z); column < min(last, params.input${i}.w); column++) {
    y[destination + column] = x${i}[source${i} + column];
  }
#endfor
}
