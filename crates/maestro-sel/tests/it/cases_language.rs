//! Conformance cases of spec 03 section 15, language: case, program, inputs where there are some, result.

pub(crate) const CASES: &str = r##"
[03:1] 017 => LONG 17
[03:2] 0x1F => NUMFMT
[03:3] 08 => PARSE
[03:4] 9223372036854775807 => LONG 9223372036854775807
[03:5] -9223372036854775808 => NUMFMT
[03:6] -9223372036854775807 - 1 => LONG -9223372036854775808
[03:7] 12L + 3l => LONG 15
[03:8] 0.1f => DOUBLE 0.1
[03:9] 1e400 => DOUBLE Infinity
[03:10] 5d / 2 => DOUBLE 2.5
[03:11] 1.toString() => PARSE
[03:12] 1.5.toString() => STRING 1.5
[03:13] 'It\'s' => STRING It's
[03:14] '\d' => LEX
[03:15] '\101' => ILLEGAL
[03:16] '\u0041b' => STRING Ab
[03:17] 1 // see C:\users => LEX
[03:18] /* a */ 1 /** b */ + /**/ 2 => LONG 3
[03:19] 1 /* open => LEX
[03:20] 'x' // note => PARSE
[03:21] 'x'; // note => STRING x
[03:22] default = 1 => PARSE
[03:23] naïve = 1; naïve => LONG 1
[03:24]  => VOID
[03:25] 1 + 2 * 3 - 4 / 2 => LONG 5
[03:26] 7 - 2 - 1 => LONG 4
[03:27] 2 - -3 => LONG 5
[03:28] 2--3 => PARSE
[03:29] true ? 1 : false ? 2 : 3 => LONG 1
[03:30] a = b = 4; return a + b; => LONG 8
[03:31] x++ => PARSE
[03:32] 1 << 2 => PARSE
[03:33] (int) 3.7 => PARSE
[03:34] (Integer) -5 => LONG -5
[03:35] int[] q = {1, 2}; => PARSE
[03:36] new int[]{4, 5,}[1] => LONG 5
[03:37] new int[]{1, 2} => PARSE
[03:38] new int[]{1, 2}; => LONG_ARRAY [1, 2]
[03:39] if (true) int z = 1; => PARSE
[03:40] ; => PARSE
[03:41] return; => PARSE
[03:42] foo(1) => PARSE
[03:43] m = new Map(); (m) = m; => PARSE
[03:44] for (i = 0, j = 0; i < 1; i += 1) { } => PARSE
[03:45] for (int i = 0, j = 3; i < j; i += 1) { j -= 1; } return i; => LONG 2
[03:46] import java.util.*; import static a.B; 3 => LONG 3
[03:47] 3; import a; => PARSE
[03:48] do { x = 1; } while (false); => PARSE
[03:49] Map<String, String> m = new Map(); => PARSE
[03:50] java.util.UUID.randomUUID() => UNSUPP
[03:51] new java.io.File('x') => PARSE
[03:52] int x = 3; => VOID
[03:53] 1; 2; 3 => LONG 3
[03:54] if (true) 5; => VOID
[03:55] { 5; } => LONG 5
[03:56] { 5; int k = 1; } => VOID
[03:57] return 1; 2 => LONG 1
[03:58] break; 5 => LONG 5
[03:59] 5; break; => INTERNAL
[03:60] nope => NULL
[03:61] String s; s => STRING null
[03:62] Integer => LONG 0
[03:63] throw 'bad ' + 7 => ERROR bad 7
[03:64] throw 5 => ILLEGAL
[03:65] x = 0; while (true) { x += 1; if (x < 4) continue; break; } return x; => LONG 4
[03:66] for (;;) { return 9; } => LONG 9
[03:67] if (1) 2; => CAST
[03:68] if (nope) 2; => CAST
[03:69] x = 0; for (;x < 3;) { x += 1; int z = 0; } return x; => LONG 3
[03:70] { int a = 4; } return a; => LONG 4
[03:71] int a = 1; String a = 'z'; a => STRING z
[03:72] x = 1; x = 2.0 => TYPE
[03:73] double d = 1; => TYPE
[03:74] String s = null; => TYPE
[03:75] q = null => UNSUPP
[03:76] q += 1 => UNSUPP
[03:77] Foo f = 1/0; => UNSUPP
[03:78] x = 1; y = x; y += 5; x => LONG 1
[03:79] int x = 1; int y = x; y += 5; x => LONG 6
[03:80] m = new Map(); v = 1; m.put('k', v); v = 9; m.get('k') => LONG 9
[03:81] int[] a = new int[]{1, 2}; int e = a[0]; e = 7; a[0] => LONG 7
[03:82] int[] a = new int[]{1, 2}; e = a[0]; e = 7; a[0] => LONG 1
[03:83] a = new int[]{1}; b = a; b[0] = 5; a[0] => LONG 5
[03:84] c = 0; for (int i = 0; i < 2; i += 1) { for (int j = 0; j < 3; j += 1) { c += 1; } } return c; => LONG 6
[03:85] params.get('m').put('k', 1); params.get('m').size() with {"m": {}} => LONG 0
[03:86] m.put('k', 1); m.size() with {"m": {}} => LONG 1
[03:87] x = 'new' with {"x": "old"} => STRING new
[03:88] x = 5 with {"x": "old"} => TYPE
[03:89] xs[1] = 50; xs[1] with {"xs": [1, 2]} => LONG 50
[03:90] params.a + params['a'] + params.get('a') with {"a": 5} => LONG 15
[03:91] params['zz'] == null => BOOLEAN true
[03:92] params.containsKey('a') with {"a": 5} => BOOLEAN true
[03:93] params[1] => CAST
[03:94] params.put('a', 1) => UNSUPP
[03:95] params = 5 => UNSUPP
[03:96] Map params = new Map(); params.size() => LONG 0
[03:97] 7 / 2 => LONG 3
[03:98] -7 / 2 => LONG -3
[03:99] -7 % 3 => LONG -1
[03:100] 7 / 2.0 => DOUBLE 3.5
[03:101] 7 / 0 => ARITH
[03:102] 7.0 / 0 => DOUBLE Infinity
[03:103] 0.0 / 0 == 0.0 / 0 => BOOLEAN false
[03:104] -7.5 % 2 => DOUBLE -1.5
[03:105] 9223372036854775807 + 1 => LONG -9223372036854775808
[03:106] 0.1 + 0.2 => DOUBLE 0.30000000000000004
[03:107] 5 + 'a' => STRING 5a
[03:108] 'a' + 5 + 6 => STRING a56
[03:109] 5 + 6 + 'a' => STRING 11a
[03:110] '' + 1e7 => STRING 1.0E7
[03:111] '' + 1234567.0 => STRING 1234567.0
[03:112] '' + 0.0001 => STRING 1.0E-4
[03:113] '' + 0.001 => STRING 0.001
[03:114] '' + 12345678.9 => STRING 1.23456789E7
[03:115] '' + 2.0 / 3 => STRING 0.6666666666666666
[03:116] '' + true + null => STRING truenull
[03:117] 'a=' + new int[]{1, 2}; => STRING a=[1, 2]
[03:118] nope + 1 => STRING null1
[03:119] 1 + nope => TYPE
[03:120] 1.5 + nope => UNSUPP
[03:121] true + 'a' => TYPE
[03:122] 'a' + true => STRING atrue
[03:123] 'a' - 'b' => UNSUPP
[03:124] 5 == '5' => BOOLEAN true
[03:125] '5' == 5 => TYPE
[03:126] 1 == 1.0 => BOOLEAN true
[03:127] 1.0 == '1.0' => BOOLEAN true
[03:128] true == 1 => TYPE
[03:129] 1.5 == true => CAST
[03:130] nope == null => BOOLEAN true
[03:131] null == 'a' => BOOLEAN false
[03:132] String s; s == null => BOOLEAN true
[03:133] m = new Map(); m == null => UNSUPP
[03:134] m = new Map(); null == m => BOOLEAN false
[03:135] 5 == null => BOOLEAN false
[03:136] true != null => BOOLEAN true
[03:137] 'a' < 'b' => UNSUPP
[03:138] nope < 5 => BOOLEAN false
[03:139] nope <= 5 => UNSUPP
[03:140] 5 > nope => TYPE
[03:141] 1 < 2 < 3 => TYPE
[03:142] false && (1 / 0 == 1) => ARITH
[03:143] true || nope.foo() => UNSUPP
[03:144] true && nope => TYPE
[03:145] 1 && 2 => UNSUPP
[03:146] true ? 1 : 1 / 0 => LONG 1
[03:147] 1 ? 2 : 3 => CAST
[03:148] !nope => UNSUPP
[03:149] -'a' => UNSUPP
[03:150] !!true => BOOLEAN true
[03:151] x = 'a'; x += 5; x += null; x => STRING a5null
[03:152] x = 5; x += 'a' => TYPE
[03:153] x = 1.5; x += 1 => TYPE
[03:154] x = 7; x /= 2; x *= 5; x %= 4; x => LONG 3
[03:155] b = true; b += 1 => UNSUPP
[03:156] x = 5; x /= 0 => ARITH
[03:157] new int[3][1] => LONG 0
[03:158] new String[2][0] => STRING null
[03:159] new double[]{1}; => TYPE
[03:160] new int[]{1}[1] => INDEX
[03:161] new int[]{1}[-1] => INDEX
[03:162] new int[-1] => NEGSIZE
[03:163] new int[25001] => ILLEGAL
[03:164] new int[25000].length => LONG 25000
[03:165] new Map[2] => UNSUPP
[03:166] Map[] a; => ILLEGAL
[03:167] int[] a; a.length => LONG 0
[03:168] a = new int[]{1, 2}; a[1] += 5; a[1] => LONG 7
[03:169] a = new String[1]; a[0] += 'x'; a[0] => STRING nullx
[03:170] a = new int[]{1}; a[1.0] => ILLEGAL
[03:171] a = new int[]{1}; a['x'] => CAST
[03:172] new int[]{1}.size() => UNSUPP
[03:173] Arrays.asList(new int[]{1, 2}).length => LONG 2
[03:174] m = new Map(); m['a'] => CAST
[03:175] m = new Map(); m['a'] = 1 => CAST
[03:176] m = new Map(); m.put('a', 1) => NULL
[03:177] m = new Map(); m.put('a', 1); m.put('a', 2) => LONG 1
[03:178] new Map().get('z') == null => BOOLEAN true
[03:179] new Map().getOrDefault('z', 5) => LONG 5
[03:180] new Map().get(1) => CAST
[03:181] Map m; m.size() => LONG 0
[03:182] Map m; m.containsKey('a') => BOOLEAN false
[03:183] Map m; m.put('a', 1) => NULLP
[03:184] new Map(1) => ILLEGAL
[03:185] m = new Map(); m.keySet() => UNSUPP
[03:186] new Map().length => UNSUPP
[03:187] m = new LinkedHashMap(); m.put('one', 1); m.put('two', 2); m.put('three', 3); m.put('four', 4); m.put('five', 5); '' + m => STRING {four=4, one=1, two=2, three=3, five=5}
[03:188] m = new Map(); m.put('xs', new int[]{1, 2}); m.put('n', null); '' + m => STRING {xs=[1, 2], n=NULL}
[03:381] for (i = 0; i < 25000; i += 1) { } return i; => LONG 25000
[03:382] for (i = 0; i < 25001; i += 1) { } return i; => LIMIT
[03:423] m = new Map(); for (i = 0; i < 14; i += 1) { m.put('k' + i, i + 0); } '' + m => STRING {k0=0, k1=1, k2=2, k3=3, k4=4, k5=5, k11=11, k6=6, k10=10, k7=7, k13=13, k8=8, k12=12, k9=9}
[03:455] 1 2 @ => LEX
[03:455] 1 2 3 @ => PARSE
[03:456] 0x1F @ => LEX
[03:456] 0x1F 2 @ => NUMFMT
[03:456] 1 0x1F => PARSE
[03:457] '\ud83d\ude00'.substring(0, 1) + '\ud83d\ude00'.substring(1) == '😀' => BOOLEAN true
[03:458] x = 1; x + (x = 5) + x => LONG 15
[03:459] s = 'a'; s.replace(s += 'b', 'z') => STRING z
[03:460] i = 0; a = new int[]{10, 20, 30}; a[i += 1] + a[i += 1] => LONG 50
[03:461] i = 0; a = new int[3]; a[i += 1] = (i += 1); a[2] => LONG 2
[03:462] new int[]{1, 2}[4294967297] => LONG 2
[03:463] new int[2147483648] => NEGSIZE
[03:464] new Map[99999] => ILLEGAL
[03:464] new Map[-1] => UNSUPP
[03:464] new Map[1/0] => ARITH
[03:465] new Foo[1/0] => UNSUPP
[03:466] new int[1][true] => ILLEGAL
[03:466] nope[null] => ILLEGAL
[03:466] nope['a'] => CAST
[03:466] nope[0] => CAST
[03:467] a = new int[1]; a[1.0] = 1 => CAST
"##;
