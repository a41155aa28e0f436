// What the pages say about finding households, about questions for later, and about what a decision would do, in Chinese.
import type { Messages } from './en';

export const find: Messages['find'] = {
  label: '查找家庭',
  example: '姓名、电话、地址…',
  submit: '查找',
  title: '查找结果',
  what: (text) => `“${text}”`,
  total: (n) => `查到 ${n} 户`,
  nothing: '您负责的地区没有符合的家庭。可试试姓名的一部分、拼音或首字母，或电话的后几位。',
  begin: '请输入姓名、拼音或首字母、电话、证件号码后几位，或地址的一部分。',
  more: '还有更多家庭符合，请再补充所知道的内容。',
  notAll: '未能查遍您负责的全部地区，请选择一个地区。',
  area: '只查',
  by: {
    name: '姓名',
    sound: '姓名读音',
    phone: '电话',
    number: '证件号码',
    address: '地址',
  },
  removed: '已移出该家庭',
  unnamed: '未具名',
};

export const later: Messages['later'] = {
  putOff: '延后',
  ask: '询问现场',
  isOff: '已延后',
  waits: '等待现场答复',
  until: (when, who) => `${who}延后至 ${when}。`,
  asked: (when, who) => `${who}于 ${when} 询问。答复后或两周后回到列表。`,
  takeUp: '现在处理',
  day: '延至',
  inDays: (n) => (n === 1 ? '明天' : `${n} 天后`),
  dayNeeded: (last) => `请选择明天至 ${last} 之间的日期。`,
  why: '延后原因',
  whyNeeded: '请简单写明延后的原因。',
  rule: '供同事查看，只留在登记库。到期或内容变化时，事项自动回到列表。',
  text: '想了解的情况',
  askRule: '存有该家庭的每台平板都会看到，请勿涉及健康。答复之前，事项不在列表中。',
  textNeeded: '请简单写明要问的情况。',
  send: '发出询问',
  answers: '现场的答复',
  offDone: (about) => `已延后：${about}。`,
  askedDone: (about) => `已询问现场：${about}。`,
  many: (n) => `${n} 项已延后或在询问`,
  backToAll: '返回待审事项',
  offUntil: (when) => `延后至 ${when}`,
  waitsSince: (age) => `已询问 ${age}`,
  fromDesk: '审核员询问',
};

export const effects: Messages['effects'] = {
  title: '审定的结果',
  nothing: '字段不变；档案会写明决定和理由。',
  how: {
    stays: (area) => `${area}的平板会收到。`,
    enters: (area) => `该家庭将转到${area}的平板。`,
    leaves: (area) => `该家庭将从${area}的平板移除。`,
  },
};
