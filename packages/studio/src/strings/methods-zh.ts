/** 方法的中文名称与一句话说明；表中没有的方法（例如插件的）显示引擎的英文。 */

export interface MethodWords {
  readonly title: string;
  readonly summary: string;
}

export const methodsZh: Readonly<Record<string, MethodWords>> = {
  'linear-probe': { title: '线性探测', summary: '在图像特征上做逻辑回归' },
  'lp-plus-plus': { title: 'LP++', summary: '图像特征的线性分类器，加上每个类别的文本系数' },
  'tip-adapter': { title: 'Tip-Adapter', summary: '零样本得分与训练特征缓存的得分相加，不做训练' },
  'tip-adapter-f': { title: 'Tip-Adapter-F', summary: '训练缓存键的 Tip-Adapter' },
  'clip-adapter': { title: 'CLIP-Adapter', summary: '图像特征上的小网络，与特征本身混合' },
  taskres: { title: 'TaskRes', summary: '每个类别的文本特征加一个残差' },
  prolip: { title: 'ProLIP', summary: '只调图像塔的投影，并使它接近初始值' },
  coop: { title: 'CoOp', summary: '只在输入处为文本学习上下文词元' },
  cocoop: { title: 'CoCoOp', summary: '文本的上下文词元，由小网络按每张图片平移' },
  kgcoop: { title: 'KgCoOp', summary: '文本的上下文词元，并使它接近手写的模板' },
  prograd: { title: 'ProGrad', summary: '文本的上下文词元，其梯度不与冻结的模型相反' },
  tcp: { title: 'TCP', summary: '文本的上下文词元，以及在后面某层由手写文本算出的类别词元' },
  dept: { title: 'DePT', summary: '另一种方法的提示，加上一个承担训练类别所需部分的双特征分类器' },
  atprompt: { title: 'ATPrompt', summary: '上下文词元中夹有属性词，形式同 CoOp 与 MaPLe' },
  'clip-lora': { title: 'CLIP-LoRA', summary: '对两个塔的注意力投影做低秩更新' },
  mma: { title: 'MMA', summary: '两个塔上层旁的小网络，其中间部分由两个塔共用' },
  mmrl: { title: 'MMRL', summary: '两个塔上层共用空间的词元，为图像给出第二个特征' },
  vpt: { title: 'VPT', summary: '只在图像塔中学习提示' },
  'deep-language': { title: '深层文本提示', summary: '只在文本塔中学习深层提示' },
  ivlp: { title: 'IVLP', summary: '两个塔各自学习深层提示' },
  maple: { title: 'MaPLe', summary: '深层文本提示，图像提示是它们的线性函数' },
  coprompt: { title: 'CoPrompt', summary: 'MaPLe 的提示加两侧特征上的网络，在描述与第二视图上与冻结的模型一致' },
  promptsrc: { title: 'PromptSRC', summary: '两个塔的深层提示，由冻结的模型约束，并按轮次平均' },
  promptkd: { title: 'PromptKD', summary: '图像提示与投影，从更大模型的预测中学习，不需要标签' },
  umudpt: { title: 'UMuDPT', summary: '深层文本提示，图像提示由一个轻量 Transformer 从它们生成' },
  mudpt: { title: 'MuDPT', summary: '两个塔的深层提示，两种模态通过注入彼此补充' },
};
