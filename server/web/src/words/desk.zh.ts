// What the pages say about finding households, in Chinese.
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
