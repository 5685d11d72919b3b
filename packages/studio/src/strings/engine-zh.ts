/** 引擎常见错误的中文句子，按错误代码；{name} 处是错误中的值。其他错误只说是哪一类，细节为英文。 */
import type { EngineSentence } from './errors-en.ts';

export const engineZh: Readonly<Record<string, EngineSentence>> = {
  'device.insecure': { problem: '浏览器不向不安全的页面提供 WebGPU', fix: '请用 https 或 localhost 打开本页' },
  'device.noWebGpu': { problem: '此浏览器没有 WebGPU', fix: '请使用 Chrome 或 Edge 113、Safari 26、Firefox 141 及以上版本' },
  'device.noAdapter': { problem: '没有找到 WebGPU 适配器', fix: '请在浏览器设置中打开硬件加速，并在 chrome://gpu 查看原因' },
  'device.lost': { problem: '图形设备已丢失', fix: '请重新载入页面' },
  'device.memory': { problem: '设备内存不足', fix: '请减小批大小，或换用更小的模型' },
  'device.bytes': {
    problem: '需要 {bytes} 字节的张量，而此适配器一次最多绑定 {most} 字节',
    fix: '请减小批大小，或换用更小的模型',
  },
  'safetensors.header': { problem: '{name} 不是完好的 safetensors 文件（{problem}）', fix: '请重新下载或重新写出该文件' },

  'image.empty': { problem: '{name} 是空文件', fix: '请重新复制或下载' },
  'image.unknown': { problem: '{name} 不是已知类型的图片', fix: '请使用 PNG、JPEG、WebP、GIF、BMP 或 AVIF 文件' },
  'image.other': { problem: '{name} 不是图片（{other}）', fix: '请使用 PNG、JPEG、WebP、GIF、BMP 或 AVIF 文件' },
  'image.pixels': { problem: '{name} 有 {width} × {height} 像素，超过允许的 {most}', fix: '请先缩小' },
  'image.cmyk': { problem: '{name} 是 CMYK 图片，各浏览器的显示不一致', fix: '请先转换为 RGB' },
  'image.format': { problem: '{name} 是 {format} 图片，各浏览器的解码不一致', fix: '请转换为 8 位 PNG 或 JPEG' },
  'image.refused': { problem: '{name} 的变体无法解码（{what}）', fix: '请转换为 8 位 PNG 或 JPEG' },
  'image.truncated': { problem: '{name} 不完整（{how}）', fix: '请重新复制或下载' },
  'image.damaged': { problem: '{name} 已损坏（{how}）', fix: '请重新复制或下载，或不要使用它' },

  'model.notPicked': { problem: '所选文件中没有 {name}', fix: '请选择模型的整个文件夹' },
  'model.weights': { problem: '{name} 中应有一个权重文件（{usual}），现有：{held}', fix: '请选择一个权重文件' },
  'model.noClip': {
    problem: '{file} 中的张量（{some}）都不是 CLIP 的',
    fix: '请提供 OpenAI、open_clip 或 Hugging Face 格式的 CLIP',
  },
  'model.several': { problem: '{file} 中有 {count} 个模型', fix: '请把其中一个单独保存' },
  'model.sizes': { problem: '无法得知 {file} 的尺寸（{problem}）', fix: '请同时选择 config.json 或 open_clip_config.json' },
  'model.noConfig': { problem: '{file} 旁边没有 config.json', fix: '请同时选择它' },
  'model.mismatch': { problem: '{file} 的权重与其配置不符（{found}）', fix: '请使用同一个模型的权重与配置，或重新下载' },
  'model.notFinite': { problem: '{file} 的权重 {name} 含有无穷大或非数值', fix: '文件已损坏，请重新下载' },
  'model.otherType': { problem: 'config.json 不是 CLIP 模型的（{found}）', fix: '请提供类型为 clip 或 siglip 的模型' },
  'model.noTokenizer': { problem: '此 SigLIP 没有分词器', fix: '请把模型的 tokenizer.json 放在权重旁边' },

  'text.tooLong': { problem: '文本 {text} 有 {tokens} 个词元，而文本塔最多 {most} 个', fix: '请缩短句子或类别名称' },
  'text.class': {
    problem: '类别“{name}”的文本有 {tokens} 个词元，而文本塔最多 {most} 个',
    fix: '请缩短类别名称，或减小提示长度',
  },

  'method.depth': { problem: '{setting} 为 {value}，而塔只有 {layers} 层', fix: '请把 {setting} 设为不超过 {layers}' },
  'method.order': { problem: 'firstLayer 为 {firstLayer}，lastLayer 为 {lastLayer}', fix: '结束层不能在起始层之前' },

  'training.emptyClasses': { problem: '{count} 个类别没有用于学习的图片：{classes}', fix: '请添加图片，或删除这些类别' },
  'training.noImages': { problem: '没有用于学习的图片', fix: '请添加图片' },
  'training.noValidation': { problem: '没有验证图片，无法选择最好的轮次', fix: '请把 finalModel 设为 last_step' },
  'training.loss': { problem: '损失为 {loss}', fix: '请降低学习率，或延长预热' },
  'training.diverged': {
    problem: '训练在第 {epoch} 轮第 {step} 步发散，学习率为 {lr}',
    fix: '请降低学习率或延长预热，然后重新训练',
  },
  'training.memory': {
    problem: '{budget} 内存不够：模型占用 {held}，最小的训练步还需 {needed}',
    fix: '请减小批大小，减少类别，或换用更小的模型',
  },

  'prompts.none': { problem: '{name} 不是本程序的提示文件', fix: '请提供一次运行写出的 prompts.json' },
  'prompts.format': { problem: '{name} 的格式为 {format}，而此版本读取 {reads}', fix: '请使用写出它的版本' },
  'prompts.altered': { problem: '{name} 与写出时不同：SHA-256 不符', fix: '文件已损坏、被修改或来自旧版本，请使用原文件' },
  'prompts.mixed': { problem: '{tensors} 与 {facts} 不是同一次运行的', fix: '请使用同一次运行的两个文件' },
  'prompts.shape': { problem: '{path} 的 {name} 形状不符', fix: '请保持 prompts.json 为运行写出的原样' },
};
