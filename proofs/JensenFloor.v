(* Family JF: what one bit a coordinate costs, vector by vector.               *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.algebra_tactics Require Import ring.
From Coq Require Reals.
From Interval Require Tactic.
From Routegauge Require Import Vectors.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.Theory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section OneVector.
Variables (R : rcfType) (d : nat).
Implicit Types k s t : 'cV[R]_d.

(* JF-1. The cosine between a key and its sign vector is its L1 norm over sqrt d times its L2 norm. *)
(* s is any sign vector of k: where k is zero, either sign is allowed.                               *)
Theorem JF_1_a_cosine_formula k s : k != 0 -> sign_of s k ->
  dot k s / (l2 k * l2 s) = l1 k / (Num.sqrt d%:R * l2 k) /\
  l1 k / (Num.sqrt d%:R * l2 k) = cosine k.
Proof.
by move=> k0 sk; split=> //; rewrite dot_sign // {2}/l2 (sqn_pm1 sk.1) (mulrC (l2 k)).
Qed.

(* JF-1. A positive factor does not change the cosine (nor does a negative one). *)
Theorem JF_1_b_scale_invariance k a : a != 0 -> cosine (a *: k) = cosine k.
Proof. exact: cosineZ. Qed.

(* JF-1. Were sgn(0) = 0, a one-hot key would have cosine 1 with its sign vector instead of the *)
(* 1/sqrt d of the formula: the convention sgn(0) in {+1, -1} is needed.                         *)
Theorem JF_1_c_sign_of_zero_matters (i : 'I_d) (s0 : 'cV[R]_d) :
  (forall j, s0 j 0 = Num.sg ((unitv R i) j 0)) ->
  dot (unitv R i) s0 / (l2 (unitv R i) * l2 s0) = 1 /\ cosine (unitv R i) = (Num.sqrt d%:R)^-1.
Proof.
move=> s0E; have -> : s0 = unitv R i.
  apply/colP=> j; rewrite s0E !mxE eqxx andbT.
  by case: (_ == _); rewrite ?sgr1 ?sgr0.
by rewrite /cosine /l2 -sqnE sqn_unitv l1_unitv sqrtr1 !mulr1 divr1 div1r.
Qed.

(* JF-2. The cosine lies between 1/sqrt d and 1. *)
Theorem JF_2_a_range k : k != 0 -> (Num.sqrt d%:R)^-1 <= cosine k <= 1.
Proof.
move=> k0; rewrite cosine_le1 andbT.
have rd := sqrt_dim_gt0 k0; have rk : 0 < l2 k by rewrite l2_gt0.
rewrite ler_pdivl_mulr ?mulr_gt0 // mulKf ?gt_eqF //.
by rewrite -ler_sqr ?nnegrE ?l2_ge0 ?l1_ge0 // l2_sqr sqn_le_l1_sqr.
Qed.

(* JF-2. It is 1 exactly when all entries have the same absolute value. *)
Theorem JF_2_b_one_on_the_sign_lattice k : k != 0 ->
  cosine k = 1 <-> forall i j, `|k i 0| = `|k j 0|.
Proof.
move=> k0; have dk : d%:R * sqn k != 0.
  by rewrite mulf_neq0 ?sqn_eq0 //; exact: lt0r_neq0 (dim_gt0 k0).
have eq1 : cosine k = 1 <-> beta k = 1.
  split=> [c1|/eqP]; first by rewrite /beta c1 expr1n.
  by rewrite sqrf_eq1 => /orP [] /eqP // c1; have := cosine_ge0 k; rewrite c1 oppr_ge0 ler10.
rewrite eq1 betaE_; have := sqr_sum_eq (fun i => `|k i 0|); rewrite card_ord -sqn_abs => <-.
by split=> [/(canRL (mulfVK dk))|->]; rewrite ?mul1r ?divff.
Qed.

(* JF-2. It is 1/sqrt d exactly when the key has a single nonzero entry. *)
Theorem JF_2_c_least_on_one_hot_keys k : k != 0 ->
  cosine k = (Num.sqrt d%:R)^-1 <->
  exists i, k i 0 != 0 /\ forall j, j != i -> k j 0 = 0.
Proof.
move=> k0; have rd : Num.sqrt d%:R != 0 :> R := lt0r_neq0 (sqrt_dim_gt0 k0).
have rk : l2 k != 0 by rewrite l2_eq0.
split=> [c_min|[i [ki single]]].
  have l12 : l1 k = l2 k by rewrite -(cosine_l1 k0) c_min mulKf.
  have prod0 := l1_sqr_sqn (etrans (congr1 (fun x => x ^+ 2) l12) (l2_sqr k)).
  have [i ki] := entry_neq0 k0; exists i; split=> // j ji.
  by have /eqP := prod0 j i ji; rewrite mulf_eq0 (negPf ki) orbF => /eqP.
have -> : k = k i 0 *: unitv R i.
  apply/colP=> j; rewrite !mxE eqxx andbT; case: eqVneq => [->|/single ->]; first by rewrite mulr1.
  by rewrite mulr0.
by rewrite cosineZ // /cosine /l2 l1_unitv sqn_unitv sqrtr1 mulr1 div1r.
Qed.

(* The error of scale a on any sign pattern, as a square completed. *)
Lemma error_pm1 k t a : k != 0 -> pm1 t ->
  sqn (k - a *: t) =
  sqn k * (1 - beta k) + ((l1 k ^+ 2 - dot k t ^+ 2) / d%:R + d%:R * (a - dot k t / d%:R) ^+ 2).
Proof.
move=> k0 t1; have d0 : d%:R != 0 :> R := lt0r_neq0 (dim_gt0 k0).
rewrite sqn_sub_pm1 // (l1_sqr_beta k0).
by field.
Qed.

(* JF-3. The energy lost with the best scale is the energy of the key times 1 - cosine^2; only the *)
(* scale L1/d reaches it.                                                                          *)
Theorem JF_3_residual_energy k s : k != 0 -> sign_of s k ->
  (forall a, sqn k * (1 - cosine k ^+ 2) <= sqn (k - a *: s)) /\
  (forall a, sqn (k - a *: s) = sqn k * (1 - cosine k ^+ 2) <-> a = l1 k / d%:R).
Proof.
move=> k0 sk; have d0 := dim_gt0 k0.
have err a : sqn (k - a *: s) = sqn k * (1 - cosine k ^+ 2) + d%:R * (a - l1 k / d%:R) ^+ 2.
  by rewrite (error_pm1 _ k0 sk.1) dot_sign // subrr mul0r add0r.
split=> a; rewrite err; first by rewrite ler_addl mulr_ge0 ?sqr_ge0 ?ltW.
split=> [/eqP|->]; last by rewrite subrr expr0n mulr0 addr0.
by rewrite -subr_eq0 addrAC subrr add0r mulf_eq0 sqrf_eq0 gt_eqF //= subr_eq0 => /eqP.
Qed.

Definition best_pattern k t := pm1 t /\ exists2 a, 0 <= a & sqn (k - a *: t) = sqn k * (1 - cosine k ^+ 2).

(* JF-4. No other sign pattern with a free scale does better than the signs of the key. *)
Theorem JF_4_a_sign_pattern_is_best k t a : k != 0 -> pm1 t -> 0 <= a ->
  sqn k * (1 - cosine k ^+ 2) <= sqn (k - a *: t).
Proof.
move=> k0 t1 a0; have d0 := dim_gt0 k0.
rewrite error_pm1 // ler_addl addr_ge0 //; last by rewrite mulr_ge0 ?sqr_ge0 ?ltW.
apply: divr_ge0; rewrite ?subr_ge0; last exact: ltW.
have t1' : pm1 (- t) by move=> i; rewrite mxE; case: (t1 i) => ->; [right|left; rewrite opprK].
rewrite -[dot k t ^+ 2]real_normK ?num_real // ler_sqr ?nnegrE ?normr_ge0 ?l1_ge0 //.
by rewrite ler_norml dot_pm1_le // andbT ler_oppl -dotNr dot_pm1_le.
Qed.

(* JF-4. The patterns that reach the minimum are the sign vectors of the key, all of them. *)
Theorem JF_4_b_best_patterns_are_signs k t : k != 0 -> best_pattern k t <-> sign_of t k.
Proof.
move=> k0; have d0 := dim_gt0 k0; split=> [[t1 [a a0 eq_min]]|tk]; last first.
  split; first exact: tk.1.
  by exists (l1 k / d%:R); [rewrite divr_ge0 ?l1_ge0 ?ltW|apply/(JF_3_residual_energy k0 tk).2].
split=> //.
have low : dot k t ^+ 2 <= l1 k ^+ 2.
  have t1' : pm1 (- t) by move=> i; rewrite mxE; case: (t1 i) => ->; [right|left; rewrite opprK].
  rewrite -[dot k t ^+ 2]real_normK ?num_real // ler_sqr ?nnegrE ?normr_ge0 ?l1_ge0 //.
  by rewrite ler_norml dot_pm1_le // andbT ler_oppl -dotNr dot_pm1_le.
have gap0 : 0 <= (l1 k ^+ 2 - dot k t ^+ 2) / d%:R by rewrite divr_ge0 ?subr_ge0 ?ler0n.
have dev0 : 0 <= d%:R * (a - dot k t / d%:R) ^+ 2 by rewrite mulr_ge0 ?sqr_ge0 ?ler0n.
move/eqP: eq_min; rewrite error_pm1 // -subr_eq0 addrAC subrr add0r paddr_eq0 //.
rewrite !mulf_eq0 invr_eq0 (gt_eqF d0) orbF orbb /= !subr_eq0 => /andP [/eqP sq /eqP aE].
have dot_ge0 : 0 <= dot k t by move: a0; rewrite aE pmulr_lge0 ?invr_gt0.
have dot_l1 : dot k t = l1 k.
  by apply/eqP; rewrite -(eqr_expn2 (n := 2)) ?l1_ge0 // sq.
have gap i : 0 <= `|k i 0| - t i 0 * k i 0.
  by rewrite subr_ge0 (le_trans (ler_norm _)) // normrM (pm1_norm _ t1) mul1r.
have : \sum_i (`|k i 0| - t i 0 * k i 0) = 0.
  rewrite big_split /= sumrN -/(l1 k) -dot_l1 dotE -sumrB big1 // => i _.
  by rewrite mulrC subrr.
move/eqP; rewrite psumr_eq0 => [/allP zero i|i _]; last exact: gap.
by have := zero i (mem_index_enum i); rewrite subr_eq0 => /eqP.
Qed.

(* JF-4. The best pattern is unique if and only if no entry of the key is zero. *)
Theorem JF_4_c_unique_iff_no_zero k : k != 0 ->
  (forall t u, best_pattern k t -> best_pattern k u -> t = u) <-> (forall i, k i 0 != 0).
Proof.
move=> k0; split=> [uniq i|nz t u]; last first.
  move/(JF_4_b_best_patterns_are_signs _ k0) => [_ tk] /(JF_4_b_best_patterns_are_signs _ k0) [_ uk].
  by apply/colP=> i; apply: (mulIf (nz i)); rewrite tk uk.
apply/eqP=> ki; have sk := sgn_sign_of k.
pose t : 'cV[R]_d := \col_j (if j == i then -1 else sgn k j 0).
have tk : sign_of t k.
  split=> j; rewrite mxE; case: eqVneq => [ji|_]; [by right|exact: sk.1| |exact: sk.2].
  by rewrite ji ki mulr0 normr0.
have := uniq _ _ ((JF_4_b_best_patterns_are_signs _ k0).2 sk) ((JF_4_b_best_patterns_are_signs _ k0).2 tk).
move/colP/(_ i); rewrite !mxE eqxx ki lexx => /eqP.
by rewrite eq_sym -subr_eq0 -opprD oppr_eq0 -[1 + 1]/(2%:R) pnatr_eq0.
Qed.

(* JF-5. Relative squared errors of the three scales: L1/d (least error) gives 1 - c^2, *)
(* L2/sqrt d (keeps the norm) gives 2 (1 - c), L2^2/L1 (unbiased along the key) gives     *)
(* c^-2 - 1.                                                                              *)
Theorem JF_5_a_three_scales k s : k != 0 -> sign_of s k ->
  [/\ sqn (k - (l1 k / d%:R) *: s) / sqn k = 1 - cosine k ^+ 2,
      sqn (k - (l2 k / Num.sqrt d%:R) *: s) / sqn k = 2 * (1 - cosine k) &
      sqn (k - (sqn k / l1 k) *: s) / sqn k = cosine k ^- 2 - 1].
Proof.
move=> k0 sk; have rd : Num.sqrt d%:R != 0 :> R := lt0r_neq0 (sqrt_dim_gt0 k0).
have rk : l2 k != 0 by rewrite l2_eq0.
have rl : l1 k != 0 by rewrite gt_eqF ?l1_gt0.
rewrite !(sqn_sub_pm1 _ _ sk.1) (dot_sign sk) -!l2_sqr /cosine.
set r := Num.sqrt d%:R in rd *; have -> : d%:R = r ^+ 2 by rewrite /r sqr_sqrt_dim.
by split; field; rewrite ?rd ?rk ?rl.
Qed.

(* JF-5. The three errors are always in this order. *)
Theorem JF_5_b_order_of_errors k : k != 0 ->
  1 - cosine k ^+ 2 <= 2 * (1 - cosine k) <= cosine k ^- 2 - 1.
Proof.
move=> k0; have c0 := cosine_gt0 k0; set c := cosine k in c0 *.
apply/andP; split; rewrite -subr_ge0.
  have -> : 2 * (1 - c) - (1 - c ^+ 2) = (1 - c) ^+ 2 by ring.
  exact: sqr_ge0.
have -> : c ^- 2 - 1 - 2 * (1 - c) = (1 - c) ^+ 2 * (1 + 2 * c) / c ^+ 2 by field; exact: lt0r_neq0.
by rewrite divr_ge0 ?sqr_ge0 // mulr_ge0 ?sqr_ge0 // addr_ge0 ?ler01 // mulr_ge0 ?ler0n ?ltW.
Qed.

(* JF-5. With the least-error scale the key's own logit is shrunk by cosine^2; the unbiased scale *)
(* keeps it.                                                                                      *)
Theorem JF_5_c_own_logit k s : k != 0 -> sign_of s k ->
  dot k ((l1 k / d%:R) *: s) = cosine k ^+ 2 * sqn k /\ dot k ((sqn k / l1 k) *: s) = sqn k.
Proof.
move=> k0 sk; have rl : l1 k != 0 by rewrite gt_eqF ?l1_gt0.
have d0 : d%:R != 0 :> R := lt0r_neq0 (dim_gt0 k0).
have rk : sqn k != 0 by rewrite sqn_eq0.
rewrite !dotZr dot_sign // mulfVK //; split=> //.
by rewrite -/(beta k) betaE_; field; rewrite d0 rk.
Qed.

(* Mean and mean squared deviation of the absolute coordinates. *)
Definition mean_abs k : R := l1 k / d%:R.
Definition var_abs k : R := (\sum_i (`|k i 0| - mean_abs k) ^+ 2) / d%:R.

(* JF-6. One minus beta is the variance of the absolute coordinates over their mean square. *)
Theorem JF_6_a_variance_identity k : k != 0 -> 1 - beta k = var_abs k / (sqn k / d%:R).
Proof.
move=> k0; have d0 : d%:R != 0 :> R := lt0r_neq0 (dim_gt0 k0).
have rk : sqn k != 0 by rewrite sqn_eq0.
have := variance_identity (fun i => `|k i 0|); rewrite card_ord => /(_ _)-vi.
rewrite /var_abs vi; last by have := dim_gt0 k0; rewrite ltr0n.
by rewrite -sqn_abs -/(l1 k) betaE_; field; rewrite d0 rk.
Qed.

(* JF-6. Equivalently, beta = 1 / (1 + CV^2) with CV the coefficient of variation. *)
Theorem JF_6_b_coefficient_of_variation k : k != 0 ->
  beta k = (1 + (Num.sqrt (var_abs k) / mean_abs k) ^+ 2)^-1.
Proof.
move=> k0; have d0 : d%:R != 0 :> R := lt0r_neq0 (dim_gt0 k0).
have rk : sqn k != 0 by rewrite sqn_eq0.
have rl : l1 k != 0 by rewrite gt_eqF ?l1_gt0.
have v0 : 0 <= var_abs k by rewrite divr_ge0 ?ler0n //; apply: sumr_ge0 => i _; exact: sqr_ge0.
rewrite expr_div_n sqr_sqrtr //.
have -> : var_abs k = (1 - beta k) * (sqn k / d%:R).
  by rewrite JF_6_a_variance_identity // mulfVK // mulf_neq0 ?invr_eq0.
rewrite betaE_ /mean_abs; field.
by rewrite d0 rl rk addrC subrK mulf_neq0.
Qed.
End OneVector.

Section Aggregates.
Variables (R : rcfType) (N d : nat).
Implicit Type K : 'M[R]_(N, d).

(* JF-7. A scale per key is never worse than one scale for all keys; equal exactly when all keys *)
(* have the same L1 norm.                                                                        *)
Theorem JF_7_a_pool_le_E K : K != 0 ->
  beta_pool K <= beta_E K /\
  (beta_pool K = beta_E K <-> forall n m, l1 (key K n) = l1 (key K m)).
Proof.
move=> K0; have [N0 d0] := dims_gt0 K0; have f0 := frob_gt0 K0.
have N1 := lt0r_neq0 N0; have d1 := lt0r_neq0 d0; have f1 := lt0r_neq0 f0.
have poolE : beta_pool K = ((\sum_n l1 (key K n)) ^+ 2 / N%:R) / (d%:R * frob K).
  by rewrite /beta_pool total_l1E; field; rewrite N1 d1 f1.
have E_E : beta_E K = (\sum_n l1 (key K n) ^+ 2) / (d%:R * frob K) by rewrite /beta_E frobE.
have den : 0 < d%:R * frob K by rewrite mulr_gt0.
rewrite poolE E_E ler_pmul2r ?invr_gt0 // ler_pdivr_mulr // mulrC.
have := sqr_sum_le (fun n => l1 (key K n)); have <- := sqr_sum_eq (fun n => l1 (key K n)).
rewrite card_ord => le_sum; split=> //; split=> [|->].
  move/(mulIf (invr_neq0 (lt0r_neq0 den)))/(canRL (mulfVK N1)) ->.
  exact: mulrC.
by congr (_ / _); rewrite mulrAC divff // mul1r.
Qed.

(* JF-7. A scale per channel is never worse than one scale for all; equal exactly when all columns *)
(* have the same L1 norm.                                                                          *)
Theorem JF_7_b_pool_le_ch K : K != 0 ->
  beta_pool K <= beta_ch K /\ (beta_pool K = beta_ch K <-> forall i j, col_l1 K i = col_l1 K j).
Proof.
move=> K0; have [N0 d0] := dims_gt0 K0; have f0 := frob_gt0 K0.
have N1 := lt0r_neq0 N0; have d1 := lt0r_neq0 d0; have f1 := lt0r_neq0 f0.
have poolE : beta_pool K = ((\sum_j col_l1 K j) ^+ 2 / d%:R) / (N%:R * frob K).
  by rewrite /beta_pool total_l1_col; field; rewrite N1 d1 f1.
have den : 0 < N%:R * frob K by rewrite mulr_gt0.
rewrite poolE ler_pmul2r ?invr_gt0 // ler_pdivr_mulr // mulrC.
have := sqr_sum_le (col_l1 K); have <- := sqr_sum_eq (col_l1 K).
rewrite card_ord => le_sum; split=> //; split=> [|->].
  move/(mulIf (invr_neq0 (lt0r_neq0 den)))/(canRL (mulfVK d1)) ->.
  exact: mulrC.
by congr (_ / _); rewrite mulrAC divff // mul1r.
Qed.

(* JF-7. The squared mean cosine is at most the mean squared cosine. *)
Theorem JF_7_c_mean_cosine K : (0 < N)%N ->
  mean_cosine K ^+ 2 <= (\sum_n cosine (key K n) ^+ 2) / N%:R.
Proof.
move=> N0; have N1 : 0 < N%:R :> R by rewrite ltr0n.
have := sqr_sum_le (fun n => cosine (key K n)); rewrite card_ord => le_sum.
rewrite /mean_cosine expr_div_n ler_pdivr_mulr ?exprn_gt0 // expr2 mulrA mulfVK ?gt_eqF //.
by rewrite -expr2 [X in _ <= X]mulrC.
Qed.
End Aggregates.

(* Two keys of two coordinates each: what the aggregates are. *)
Section TwoByTwo.
Variable R : rcfType.

Definition rows2 (a b c e : R) : 'M[R]_(2, 2) :=
  \matrix_(i, j) if i == 0 then if j == 0 then a else b else if j == 0 then c else e.

Lemma beta_E_rows2 a b c e : beta_E (rows2 a b c e) =
  ((`|a| + `|b|) ^+ 2 + (`|c| + `|e|) ^+ 2) / (2 * (a ^+ 2 + b ^+ 2 + (c ^+ 2 + e ^+ 2))).
Proof.
rewrite /beta_E; congr (_ / (_ * _)); rewrite ?big_ord_recl ?big_ord0 ?addr0.
  by rewrite !l1_key ?big_ord_recl ?big_ord0 ?addr0 ?mxE.
by rewrite !sqn_key ?big_ord_recl ?big_ord0 ?addr0 ?mxE.
Qed.

Lemma beta_ch_rows2 a b c e : beta_ch (rows2 a b c e) =
  ((`|a| + `|c|) ^+ 2 + (`|b| + `|e|) ^+ 2) / (2 * (a ^+ 2 + b ^+ 2 + (c ^+ 2 + e ^+ 2))).
Proof.
rewrite /beta_ch /frob; congr (_ / (_ * _)); rewrite ?big_ord_recl ?big_ord0 ?addr0.
  by rewrite /col_l1 ?big_ord_recl ?big_ord0 ?addr0 ?mxE.
by rewrite ?big_ord_recl ?big_ord0 ?addr0 ?mxE.
Qed.

Lemma mean_cosine_rows2 a b c e : mean_cosine (rows2 a b c e) =
  ((`|a| + `|b|) / Num.sqrt (2 * (a ^+ 2 + b ^+ 2)) +
   (`|c| + `|e|) / Num.sqrt (2 * (c ^+ 2 + e ^+ 2))) / 2.
Proof.
rewrite /mean_cosine /cosine !big_ord_recl big_ord0 addr0 /l2 -!sqrtrM ?ler0n //.
by rewrite !l1_key !sqn_key ?big_ord_recl ?big_ord0 ?addr0 ?mxE.
Qed.

Lemma ltr_nat_frac (a b c e : nat) : (0 < b)%N -> (0 < e)%N -> (a * e < c * b)%N ->
  a%:R / b%:R < c%:R / e%:R :> R.
Proof.
move=> b0 e0 lt; rewrite ltr_pdivr_mulr ?ltr0n // mulrAC ltr_pdivl_mulr ?ltr0n //.
by rewrite -!natrM ltr_nat.
Qed.

(* JF-7. Between a scale per channel and a scale per key there is no general order. *)
Theorem JF_7_d_no_order_ch_E :
  (exists K : 'M[R]_(2, 2), beta_ch K < beta_E K) /\
  (exists K : 'M[R]_(2, 2), beta_E K < beta_ch K).
Proof.
have n (m : nat) : `|m%:R| = m%:R :> R by rewrite normr_nat.
split; [exists (rows2 1 1 3 3)|exists (rows2 1 3 1 3)]; rewrite beta_ch_rows2 beta_E_rows2 normr1 n.
  have -> : (1 + 3) ^+ 2 + (1 + 3) ^+ 2 = 32%:R :> R by ring.
  have -> : (1 + 1) ^+ 2 + (3 + 3) ^+ 2 = 40%:R :> R by ring.
  have -> : 2 * (1 ^+ 2 + 1 ^+ 2 + (3 ^+ 2 + 3 ^+ 2)) = 40%:R :> R by ring.
  exact: ltr_nat_frac.
have -> : (1 + 3) ^+ 2 + (1 + 3) ^+ 2 = 32%:R :> R by ring.
have -> : (1 + 1) ^+ 2 + (3 + 3) ^+ 2 = 40%:R :> R by ring.
have -> : 2 * (1 ^+ 2 + 3 ^+ 2 + (1 ^+ 2 + 3 ^+ 2)) = 40%:R :> R by ring.
exact: ltr_nat_frac.
Qed.

(* JF-7. Nor is there one between the squared mean cosine and a scale per key. *)
Theorem JF_7_e_no_order_mean_cosine_E :
  (exists K : 'M[R]_(2, 2), mean_cosine K ^+ 2 < beta_E K) /\
  (exists K : 'M[R]_(2, 2), beta_E K < mean_cosine K ^+ 2).
Proof.
have n (m : nat) : `|m%:R| = m%:R :> R by rewrite normr_nat.
have sq (m : nat) (x : R) : x = m%:R ^+ 2 -> Num.sqrt x = m%:R.
  by move=> ->; rewrite sqrtr_sqr n.
have mc (t : nat) : (0 < t)%N -> mean_cosine (rows2 t%:R t%:R 1 7) = 9%:R / 10%:R.
  move=> t0; rewrite mean_cosine_rows2 normr1 !n.
  have -> : Num.sqrt (2 * (t%:R ^+ 2 + t%:R ^+ 2)) = 2 * t%:R :> R.
    by rewrite (sq (2 * t)%N) natrM //; ring.
  have -> : Num.sqrt (2 * (1 ^+ 2 + 7 ^+ 2)) = 10%:R :> R by apply: sq; ring.
  have -> : t%:R + t%:R = 2 * t%:R :> R by ring.
  have t1 : 2 * t%:R != 0 :> R by rewrite mulf_neq0 ?pnatr_eq0 // -lt0n.
  by rewrite divff //; field.
split; [exists (rows2 10%:R 10%:R 1 7)|exists (rows2 1%:R 1%:R 1 7)]; rewrite mc // beta_E_rows2 normr1 !n.
  have -> : (10%:R + 10%:R) ^+ 2 + (1 + 7%:R) ^+ 2 = 464%:R :> R by ring.
  have -> : 2 * (10%:R ^+ 2 + 10%:R ^+ 2 + (1 ^+ 2 + 7 ^+ 2)) = 500%:R :> R by ring.
  by rewrite expr_div_n -!natrX; exact: ltr_nat_frac.
have -> : (1%:R + 1%:R) ^+ 2 + (1 + 7%:R) ^+ 2 = 68%:R :> R by ring.
have -> : 2 * (1%:R ^+ 2 + 1%:R ^+ 2 + (1 ^+ 2 + 7 ^+ 2)) = 104%:R :> R by ring.
by rewrite expr_div_n -!natrX; exact: ltr_nat_frac.
Qed.
End TwoByTwo.

Section Numbers.
Import Reals Interval.Tactic.
Local Open Scope R_scope.

(* JF-5. At cosine^2 = 2/pi the three relative errors are 0.3634, 0.4042 and 0.5708. *)
Theorem JF_5_d_numbers_at_two_over_pi (c := sqrt (2 / PI)) :
  Rabs (1 - c ^ 2 - 0.3634) <= 0.00005 /\
  Rabs (2 * (1 - c) - 0.4042) <= 0.00005 /\
  Rabs (/ c ^ 2 - 1 - 0.5708) <= 0.00005.
Proof. by rewrite /c; split; [|split]; interval. Qed.
End Numbers.
