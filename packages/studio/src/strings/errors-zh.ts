/** 页面的中文错误信息。 */
import type { Errors, rangeEn } from './errors-en.ts';

export const errorsZh: Errors = {
  trainingRuns: () => ({ problem: '训练正在进行', fix: '请暂停，或等它完成' }),
  noModel: () => ({ problem: '尚未载入模型', fix: '请先载入一个模型' }),
  nothingLearnt: () => ({ problem: '还没有学到任何内容', fix: '请先训练，或导入提示' }),
  paused: () => ({ problem: '训练已暂停', fix: '可以继续' }),
  otherClasses: () => ({ problem: '训练之后类别有变化', fix: '请重新训练' }),
  template: (sentence) => ({ problem: `句子“${sentence}”中没有 {}`, fix: '请用 {} 标出类别的位置' }),
  otherModel: (theirs, loaded) => ({
    problem: `这些提示是在模型 ${theirs} 上学到的，而 ${loaded} 是另一个模型`,
    fix: `请先载入 ${theirs}`,
  }),
  setting: (name, value, takes) => ({ problem: `${name} 的值 ${value} 无效`, fix: `有效值：${takes}` }),
  settingWhole: (name, value, least, most) => ({
    problem: `${name} 的值 ${value} 无效`,
    fix: `请给出${rangeZh({ isWhole: true, least, most })}`,
  }),
  settingNumber: (name, value, least, above, most) => ({
    problem: `${name} 的值 ${value} 无效`,
    fix: `请给出${rangeZh({ isWhole: false, least, above, most })}`,
  }),
  settingChoice: (name, value, choices) => ({ problem: `${name} 的值 ${value} 无效`, fix: `请选择其一：${choices}` }),
  settingDecided: (name, value, by, words) => ({
    problem: `${name} 不起作用：${by} 为“${words}”，由它决定为 ${value}`,
    fix: `请保留 ${name} 原来的值，或更改 ${by}；留空则不作决定`,
  }),
  noPrompts: (missing, given) => ({
    problem: `在 ${given} 中没有 ${missing}`,
    fix: '请提供本页写出的 zip、打包成 zip 的运行文件夹，或一次运行的 prompts.safetensors 与 prompts.json',
  }),
  severalRuns: (given) => ({ problem: `${given} 中有多次运行的提示`, fix: '请只提供一次运行的' }),
  noProject: (file, what) => ({ problem: `${file} 不是本页的项目：${what}`, fix: '请提供本页写出的 zip' }),
  projectLacks: (file, path) => ({ problem: `${file} 缺少 ${path}`, fix: '请提供本页写出的完整 zip' }),
  zipUnreadable: (file, why) => ({ problem: `无法读取 ${file}（${why}）`, fix: '请重新保存为普通的 zip' }),
  zipEncrypted: (file, path) => ({ problem: `${file} 中的 ${path} 已加密`, fix: '请先解压，再拖入文件夹' }),
  zipTooLarge: (file) => ({ problem: `${file} 的内容超过页面能保存的大小`, fix: '请先解压，再拖入其中一部分' }),
  workerEnded: (why) => ({ problem: `页面的后台程序出错：${why}`, fix: '请重新载入页面' }),
  hubName: (name) => ({ problem: `${name} 不是模型名称`, fix: '例如 openai/clip-vit-base-patch16' }),
  hubUnknown: (name) => ({ problem: `hub 上没有公开的模型 ${name}`, fix: '请检查名称；私有模型请在 Node 中下载' }),
  hubAnswers: (status) => ({ problem: `hub 的回答是 ${status}`, fix: '请稍后再试' }),
  hubNoCommit: (name) => ({ problem: `hub 没有说明 ${name} 的提交`, fix: '请稍后再试' }),
  hubBroken: (path, done, size, why) => ({
    problem: `${path}：连接在 ${size} 字节中的第 ${done} 字节处中断${why === '' ? '' : `（${why}）`}`,
    fix: '请再试一次，会从中断处继续',
  }),
  hubFile: (path, status) => ({ problem: `${path}：hub 的回答是 ${status}`, fix: '请再试一次，会从中断处继续' }),
  hubOtherSize: (path, bytes, said) => ({ problem: `${path} 有 ${bytes} 字节，而 hub 说是 ${said}`, fix: '请稍后再试' }),
  otherTraining: (what) => ({ problem: `保存的状态属于另一次训练：${what}`, fix: '请从头开始训练' }),
  pageFile: (file, status) => ({ problem: `无法取得本页的文件 ${file}（${status}）`, fix: '请重新载入页面' }),
  peerAbsent: () => ({ problem: '此页面没有内置它', fix: '“pnpm studio:build --peers” 可将其内置' }),
  peerFailed: (why) => ({ problem: `它无法打开或中途停止（${why}）` }),
  peerLacks: () => ({ problem: '它没有这种运算' }),
  peerSilent: (seconds) => ({ problem: `它 ${seconds} 秒没有回应` }),
  cameraInsecure: () => ({ problem: '浏览器只向安全的页面提供摄像头', fix: '请用 https 或 localhost 打开本页' }),
  hubUnreachable: (why) => ({ problem: `无法连接 hub（${why}）`, fix: '请检查网络后再试' }),
  tooLarge: (model, weight) => ({ problem: `此适配器放不下 ${model}：无法绑定其中的 ${weight}`, fix: '请选择更小的模型' }),
};

export const rangeZh: typeof rangeEn = ({ isWhole, least, above = '', most }) => {
  const ends = [
    ...(least === '' ? [] : [`不小于 ${least}`]),
    ...(above === '' ? [] : [`大于 ${above}`]),
    ...(most === '' ? [] : [`不大于 ${most}`]),
  ];
  return `${isWhole ? '整数' : '数'}${ends.length === 0 ? '' : `，${ends.join('，')}`}`;
};

/** 引擎的错误：先说一句是哪一类，下面是英文的细节。 */
export const kindsZh: Readonly<Record<string, string>> = {
  Error: '页面出错了',
  InputError: '给出的内容无法使用',
  FormatError: '文件已损坏，或不是所需的格式',
  ShapeError: '尺寸不符合要求',
  DTypeError: '数据类型不符合要求',
  MethodError: '此方法不能这样设置',
  NotFiniteError: '计算出现了无穷大或非数值，请降低学习率',
  DivergedError: '训练发散了，请降低学习率后重新训练',
  LimitError: '超出了此适配器的限制，请减小批大小或换用更小的模型',
  AllocationError: '设备内存不足，请减小批大小或换用更小的模型',
  DeviceError: '图形设备出错，或没有可用的图形设备',
  QuotaExceededError: '浏览器的存储空间已满，请删除一些图片',
  NotAllowedError: '浏览器不允许这样做',
  NotReadableError: '浏览器无法读取文件，请重新选择',
};
