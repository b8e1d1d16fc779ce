(* Family DC: what removing a mean from the keys does to scores, softmax and the 1-bit cosine.     *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.algebra_tactics Require Import ring.
From mathcomp.analysis Require reals sequences exp.
From Routegauge Require Import Vectors JensenFloor.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.Theory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Softmax.
Variables (R : rcfType) (N : nat) (e : R -> R).

(* Softmax with e in place of the exponential. *)
Definition softmax (z : 'I_N -> R) n : R := e (z n) / \sum_m e (z m).

Lemma softmax_shift (z : 'I_N -> R) b : (forall x y, e (x + y) = e x * e y) -> (forall x, e x != 0) ->
  forall n, softmax (fun m => z m + b) n = softmax z n.
Proof.
move=> eD e0 n; rewrite /softmax eD (eq_bigr (fun m => e (z m) * e b)) => [|m _]; last exact: eD.
by rewrite -mulr_suml -mulf_div divff // mulr1.
Qed.

Variable d : nat.
Definition attention (q : 'cV[R]_d) (k : 'I_N -> 'cV[R]_d) : 'I_N -> R :=
  softmax (fun n => dot q (k n) / Num.sqrt d%:R).

(* DC-1. One constant vector subtracted from all keys of a head leaves attention as it was. Here for *)
(* any function that turns sums into nonzero products.                                               *)
Theorem DC_1_a_centering_is_free q k mu :
  (forall x y, e (x + y) = e x * e y) -> (forall x, e x != 0) ->
  forall n, attention q (fun m => k m - mu) n = attention q k n.
Proof.
move=> eD e0 n; rewrite /attention -[RHS](softmax_shift _ (- (dot q mu / Num.sqrt d%:R)) eD e0) /softmax.
by congr (e _ / _); [|apply: eq_bigr => m _; congr (e _)]; rewrite dotBr mulrBl.
Qed.
End Softmax.

Section RealSoftmax.
Import mathcomp.analysis.reals mathcomp.analysis.sequences mathcomp.analysis.exp.
Variables (R : realType) (d : nat).

(* DC-1 with the exponential of the real numbers. *)
Theorem DC_1_b_centering_is_free_for_softmax N (q : 'cV[R]_d) (k : 'I_N -> 'cV[R]_d) mu n :
  attention (@expR R) q (fun m => k m - mu) n = attention (@expR R) q k n.
Proof. by apply: DC_1_a_centering_is_free => [x y|x]; rewrite ?expRD // gt_eqF ?expR_gt0. Qed.

(* The mean of the coordinates of one key. *)
Definition dc (k : 'cV[R]_d) : R := (\sum_i k i 0) / d%:R.

(* DC-1. Subtracting from every key its own coordinate mean is not free: in every dimension there *)
(* are two keys and a query whose attention it changes.                                           *)
Theorem DC_1_c_per_key_centering_is_not_free : (0 < d)%N ->
  exists (q : 'cV[R]_d) (k : 'I_2 -> 'cV[R]_d) n,
    attention (@expR R) q (fun m => k m - const_mx (dc (k m))) n <> attention (@expR R) q k n.
Proof.
move=> d0; have dn : d%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
have rd : Num.sqrt d%:R != 0 :> R by rewrite gt_eqF // sqrtr_gt0 ltr0n.
pose q : 'cV[R]_d := Num.sqrt d%:R *: unitv R (Ordinal d0).
pose k (n : 'I_2) : 'cV[R]_d := const_mx (n : nat)%:R.
have dck n : dc (k n) = (n : nat)%:R.
  rewrite /dc (eq_bigr (fun=> (n : nat)%:R)) => [|i _]; last by rewrite mxE.
  by rewrite sumr_cst card_ord mulrAC divff ?mul1r.
have kc n : k n - const_mx (dc (k n)) = 0 by rewrite dck subrr.
exists q, k, 0; rewrite /attention /softmax !big_ord_recl !big_ord0 !addr0 !kc.
have z0 : dot q 0 = 0 by rewrite /dot mulmx0 mxE.
have zk n : dot q (k n) / Num.sqrt d%:R = (n : nat)%:R.
  by rewrite dotZl dot_unitl mxE mulrAC divff ?mul1r.
rewrite z0 mul0r !zk /= expR0 !mul1r => /invr_inj/addrI e1.
by have := pexpR_gt1 (@ltr01 R); rewrite -e1 ltxx.
Qed.
End RealSoftmax.

Section Rope.
Variables (R : rcfType) (d : nat) (Theta : int -> 'M[R]_d) (mu : 'cV[R]_d).

(* DC-2. The shift that a mean mu removed before RoPE would cause, q^T Theta_(n-m) mu, is the same *)
(* for all positions n of the key, whatever the query and its position m, if and only if every      *)
(* Theta_t leaves mu alone. Theta is any family of matrices with Theta_0 = I.                       *)
Theorem DC_2_a_shift_constant_iff_fixed : Theta 0 = 1%:M ->
  (forall (q : 'cV[R]_d) (m n n' : int),
     dot q (Theta (n - m) *m mu) = dot q (Theta (n' - m) *m mu)) <->
  (forall t, Theta t *m mu = mu).
Proof.
move=> T0; split=> [const t|fix_mu q m n n']; last by rewrite !fix_mu.
apply/colP=> i; rewrite -!dot_unitl; have := const (unitv R i) 0 t 0.
by rewrite !subr0 T0 mul1mx.
Qed.

(* DC-2. The exact correction: one dot product with the rotated mean, added to the centered score. *)
Theorem DC_2_b_exact_correction (q k : 'cV[R]_d) (m n : int) :
  dot q (Theta (n - m) *m k) = dot q (Theta (n - m) *m (k - mu)) + dot q (Theta (n - m) *m mu).
Proof. by rewrite -dotDr -mulmxDr subrK. Qed.

(* DC-2. The correction needs the query turned to its own position and one table n -> Theta_n mu that *)
(* all queries and sequences share.                                                                   *)
Theorem DC_2_c_correction_from_a_table (q : 'cV[R]_d) (m n : int) :
  (forall a b, Theta (a + b) = Theta a *m Theta b) -> (forall a, Theta (- a) = (Theta a)^T) ->
  dot q (Theta (n - m) *m mu) = dot (Theta m *m q) (Theta n *m mu).
Proof.
move=> TD TN; rewrite addrC TD TN /dot trmx_mul -!mulmxA.
by [].
Qed.
End Rope.

(* Families as in DC-2 exist: the integer powers of any orthogonal matrix, of which RoPE is one. *)
Lemma powers_form_a_family (R : rcfType) d (A : 'M[R]_d.+1) : orthogonal A ->
  let Theta (n : int) := A ^ n in
  [/\ Theta 0 = 1%:M, forall a b, Theta (a + b) = Theta a *m Theta b &
      forall a, Theta (- a) = (Theta a)^T].
Proof.
move=> oA Theta; have uA : A \is a GRing.unit := orth_unit oA.
have trX n : (A ^+ n)^T = A^-1 ^+ n.
  elim: n => [|n IH]; first by rewrite !expr0 trmx1.
  rewrite exprS exprSr -[A * _]/(A *m _) trmx_mul IH; congr (_ *m _).
  by rewrite -[LHS]mulmx1 -(mulmxV uA) mulmxA oA mul1mx.
split=> [|a b|a]; first by [].
- by rewrite /Theta exprzDr.
rewrite /Theta; case: a => n; first by rewrite -exprz_inv -!exprnP trX.
by rewrite NegzE opprK -[in RHS]exprz_inv -!exprnP -trX trmxK.
Qed.

Section Plane.
Variable R : rcfType.

(* A plane turned by the angle with cosine c and sine s. *)
Definition rot (c s : R) : 'M[R]_2 :=
  \matrix_(i, j) if i == j then c else if i == 0 then - s else s.

Lemma rot_mul c s (x : 'cV[R]_2) :
  (rot c s *m x) 0 0 = c * x 0 0 - s * x 1 0 /\ (rot c s *m x) 1 0 = s * x 0 0 + c * x 1 0.
Proof.
have one : lift ord0 (ord0 : 'I_1) = 1 :> 'I_2 by apply: val_inj.
by rewrite !mxE !big_ord_recl !big_ord0 !addr0 one !mxE /= mulNr.
Qed.

(* DC-2. A plane that RoPE turns (cosine not 1) leaves no vector but zero alone, so a mean that all *)
(* positions leave alone has no part in planes of nonzero frequency.                                *)
Theorem DC_2_d_rotated_plane_fixes_only_zero c s (x : 'cV[R]_2) : c ^+ 2 + s ^+ 2 = 1 -> c != 1 ->
  rot c s *m x = x <-> x = 0.
Proof.
move=> cs c1; split=> [fix_x|->]; last by rewrite mulmx0.
have [e0 e1] := rot_mul c s x; rewrite fix_x in e0 e1.
have det0 : (c - 1) ^+ 2 + s ^+ 2 != 0.
  have -> : (c - 1) ^+ 2 + s ^+ 2 = 2 * (1 - c) + (c ^+ 2 + s ^+ 2 - 1) by ring.
  by rewrite cs subrr addr0 mulf_neq0 ?pnatr_eq0 // subr_eq0 eq_sym.
have x0 : x 0 0 = 0.
  apply: (mulfI det0); rewrite mulr0.
  have -> : ((c - 1) ^+ 2 + s ^+ 2) * x 0 0 =
    (c - 1) * (c * x 0 0 - s * x 1 0 - x 0 0) + s * (s * x 0 0 + c * x 1 0 - x 1 0) by ring.
  by rewrite -e0 -e1 !subrr !mulr0 addr0.
have x1 : x 1 0 = 0.
  apply: (mulfI det0); rewrite mulr0.
  have -> : ((c - 1) ^+ 2 + s ^+ 2) * x 1 0 =
    (c - 1) * (s * x 0 0 + c * x 1 0 - x 1 0) - s * (c * x 0 0 - s * x 1 0 - x 0 0) by ring.
  by rewrite -e0 -e1 !subrr !mulr0 subr0.
apply/colP=> i; rewrite mxE; case: i => -[|[|//]] lt.
  by rewrite (_ : Ordinal lt = 0) ?x0 //; exact: val_inj.
by rewrite (_ : Ordinal lt = 1) ?x1 //; exact: val_inj.
Qed.
End Plane.

(* The mean of the rows, and the keys with it removed. *)
Section Rows.
Variables (R : rcfType) (N d : nat).
Implicit Type K : 'M[R]_(N, d).
Definition mean_key (K : 'M[R]_(N, d)) : 'cV[R]_d := \col_j ((\sum_n K n j) / N%:R).
Definition shifted (K : 'M[R]_(N, d)) (mu : 'cV[R]_d) : 'M[R]_(N, d) := \matrix_(n, j) (K n j - mu j 0).
Definition centered K := shifted K (mean_key K).

Lemma key_shifted K mu n : key (shifted K mu) n = key K n - mu.
Proof. by apply/colP=> j; rewrite !mxE. Qed.

Lemma sum_keys K : (0 < N)%N -> \sum_n key K n = N%:R *: mean_key K.
Proof.
move=> N0; apply/colP=> j; rewrite summxE !mxE mulrC divfK ?pnatr_eq0 -?lt0n //.
by apply: eq_bigr => n _; rewrite keyE.
Qed.

(* The squared mean over the mean squared norm. *)
Definition mean_share K : R := sqn (mean_key K) / (frob K / N%:R).

(* DC-5. The energy left after centering is the share 1 - eta of the energy before. *)
Theorem DC_5_a_centered_energy K : K != 0 -> frob (centered K) = (1 - mean_share K) * frob K.
Proof.
move=> K0; have [N0 _] := dims_gt0 K0; have f0 := lt0r_neq0 (frob_gt0 K0); have N1 := lt0r_neq0 N0.
have -> : (1 - mean_share K) * frob K = frob K - N%:R * sqn (mean_key K).
  by rewrite /mean_share; field; rewrite N1 f0.
rewrite !frobE (eq_bigr (fun n => sqn (key K n) + (- (2 * dot (key K n) (mean_key K)) + sqn (mean_key K)))).
  rewrite big_split /= big_split /= sumr_cst card_ord sumrN -mulr_sumr.
  have -> : \sum_n dot (key K n) (mean_key K) = N%:R * sqn (mean_key K).
    rewrite sqnE -dotZl -sum_keys -?(ltr0n R) // /dot linear_sum mulmx_suml summxE.
    by apply: eq_bigr.
  by ring.
by move=> n _; rewrite key_shifted sqnB addrA.
Qed.

(* Squared errors summed over all keys: with the best scale for every key, and with one scale for *)
(* the whole matrix.                                                                              *)
Definition error_per_key K : R := \sum_n sqn (key K n - (l1 (key K n) / d%:R) *: sgn (key K n)).
Definition error_one_scale K a : R := \sum_n sqn (key K n - a *: sgn (key K n)).

(* DC-5. The summed error with a scale per key is the energy times 1 - beta_E... *)
Theorem DC_5_b_error_per_key K : K != 0 -> error_per_key K = frob K * (1 - beta_E K).
Proof.
move=> K0; have [_ d0] := dims_gt0 K0; have d1 := lt0r_neq0 d0.
have f0 := lt0r_neq0 (frob_gt0 K0).
rewrite /error_per_key (eq_bigr (fun n => sqn (key K n) - l1 (key K n) ^+ 2 / d%:R)) => [|n _].
  have -> : beta_E K = (\sum_n l1 (key K n) ^+ 2) / (d%:R * frob K) by rewrite /beta_E frobE.
  rewrite big_split /= sumrN -mulr_suml -frobE; move: (\sum_(n < N) _) => S.
  by field; rewrite d1 f0.
have sk := sgn_sign_of (key K n); rewrite sqn_sub_pm1 ?(dot_sign sk) //; last exact: sk.1.
by field.
Qed.

(* ... and with one scale for all it is at least the energy times 1 - beta_pool, reached at the mean *)
(* absolute entry.                                                                                   *)
Theorem DC_5_c_error_one_scale K a : K != 0 ->
  frob K * (1 - beta_pool K) <= error_one_scale K a /\
  error_one_scale K (total_l1 K / (N%:R * d%:R)) = frob K * (1 - beta_pool K).
Proof.
move=> K0; have [N0 d0] := dims_gt0 K0; have N1 := lt0r_neq0 N0; have d1 := lt0r_neq0 d0.
have f0 := lt0r_neq0 (frob_gt0 K0).
have err b : error_one_scale K b =
    frob K * (1 - beta_pool K) + N%:R * d%:R * (b - total_l1 K / (N%:R * d%:R)) ^+ 2.
  rewrite /error_one_scale (eq_bigr (fun n => sqn (key K n) + (- (2 * b) * l1 (key K n) + b ^+ 2 * d%:R))).
    rewrite big_split /= big_split /= sumr_cst card_ord -mulr_sumr -frobE -total_l1E /beta_pool.
    by field; rewrite N1 d1 f0.
  move=> n _; have sk := sgn_sign_of (key K n).
  by rewrite sqn_sub_pm1 ?(dot_sign sk) //; [ring|exact: sk.1].
rewrite !err subrr expr0n mulr0 addr0; split=> //.
by rewrite ler_addl mulr_ge0 ?sqr_ge0 // mulr_ge0 ?ler0n.
Qed.

(* DC-5. So with a scale per key, centering lowers the error if and only if                    *)
(* (1 - eta)(1 - beta_centered) < 1 - beta_raw, that is, when the mean is not everything,       *)
(* beta_centered > (beta_raw - eta) / (1 - eta).                                                *)
Theorem DC_5_d_when_centering_helps K : K != 0 -> centered K != 0 ->
  (error_per_key (centered K) < error_per_key K <->
   (1 - mean_share K) * (1 - beta_E (centered K)) < 1 - beta_E K) /\
  (error_per_key (centered K) < error_per_key K <->
   (beta_E K - mean_share K) / (1 - mean_share K) < beta_E (centered K)).
Proof.
move=> K0 C0; have f0 := frob_gt0 K0.
have eta : 0 < 1 - mean_share K.
  by have := frob_gt0 C0; rewrite DC_5_a_centered_energy // pmulr_lgt0.
rewrite !DC_5_b_error_per_key // DC_5_a_centered_energy // mulrAC [_ * frob K]mulrC ltr_pmul2l //.
split=> //; rewrite ltr_pdivr_mulr // -subr_gt0.
rewrite (_ : _ - _ = beta_E (centered K) * (1 - mean_share K) - (beta_E K - mean_share K)); last by ring.
by rewrite subr_gt0.
Qed.

(* DC-5. The same with one static scale per head and the pooled ratio, in both forms. *)
Theorem DC_5_e_when_centering_helps_one_scale K : K != 0 -> centered K != 0 ->
  let best M := error_one_scale M (total_l1 M / (N%:R * d%:R)) in
  (best (centered K) < best K <->
   (1 - mean_share K) * (1 - beta_pool (centered K)) < 1 - beta_pool K) /\
  (best (centered K) < best K <->
   (beta_pool K - mean_share K) / (1 - mean_share K) < beta_pool (centered K)).
Proof.
move=> K0 C0; have f0 := frob_gt0 K0.
have eta : 0 < 1 - mean_share K.
  by have := frob_gt0 C0; rewrite DC_5_a_centered_energy // pmulr_lgt0.
rewrite /= (DC_5_c_error_one_scale 0 K0).2 (DC_5_c_error_one_scale 0 C0).2.
rewrite DC_5_a_centered_energy // mulrAC [_ * frob K]mulrC ltr_pmul2l //.
split=> //; rewrite ltr_pdivr_mulr // -subr_gt0.
rewrite (_ : _ - _ = beta_pool (centered K) * (1 - mean_share K) - (beta_pool K - mean_share K)); last by ring.
by rewrite subr_gt0.
Qed.
End Rows.

Section MeanAlignment.
Variables (R : rcfType) (d : nat).
Implicit Types u v w : 'cV[R]_d.

(* The all-ones direction. *)
Definition ones : 'cV[R]_d := const_mx (Num.sqrt d%:R)^-1.

Lemma sqn_ones : (0 < d)%N -> sqn ones = 1.
Proof.
move=> d0; rewrite /sqn (eq_bigr (fun=> d%:R^-1)) => [|i _]; last first.
  by rewrite mxE exprVn sqr_sqrt_dim.
by rewrite sumr_cst card_ord divff // pnatr_eq0 -lt0n.
Qed.

(* A reflection carries any unit vector to any other. *)
Lemma orthogonal_between v w : sqn v = 1 -> sqn w = 1 ->
  exists A : 'M[R]_d, orthogonal A /\ A *m v = w.
Proof.
move=> v1 w1; have [->|vw] := eqVneq v w.
  by exists 1%:M; rewrite mul1mx; split=> //; exact: orth1.
pose u := v - w; have u0 : sqn u != 0 by rewrite sqn_eq0 subr_eq0.
pose A : 'M[R]_d := 1%:M - (2 / sqn u) *: (u *m u^T).
have AE x : A *m x = x - (2 / sqn u * dot u x) *: u.
  rewrite mulmxBl mul1mx -scalemxAl -mulmxA [u^T *m x]mx11_scalar -/(dot u x).
  by rewrite mul_mx_scalar scalerA.
exists A; split; last first.
  rewrite AE; have -> : dot u v = sqn u / 2.
    rewrite /u sqnB dotBl -sqnE (dotC w v) v1 w1.
    by field.
  by rewrite mulrA divfK // divff ?pnatr_eq0 // scale1r /u opprB addrC subrK.
pose P := u *m u^T; have PT : P^T = P by rewrite trmx_mul trmxK.
have PP : P *m P = sqn u *: P.
  by rewrite /P mulmxA -(mulmxA u) [u^T *m u]mx11_scalar -/(dot u u) -sqnE mul_mx_scalar -scalemxAl.
have AT : A^T = A by rewrite linearB linearZ /= trmx1 PT.
rewrite /orthogonal AT mulmxBl mul1mx mulmxBr mulmx1 -!scalemxAl -!scalemxAr PP !scalerA.
have -> : 2 / sqn u * (2 / sqn u) * sqn u = 2 / sqn u + 2 / sqn u by field.
by rewrite scalerDl opprB addrK subrK.
Qed.

(* DC-6. For every unit vector v there is one rotation, chosen from v alone, in which every key has *)
(* a 1-bit cosine of at least its cosine with v; so the best mean cosine over rotations is at least *)
(* the mean cosine between keys and v, the mean of the keys included.                               *)
Theorem DC_6_mean_alignment_lower_bound v : (0 < d)%N -> sqn v = 1 ->
  exists A : 'M[R]_d, [/\ orthogonal A,
    forall k, dot v k / l2 k <= cosine (A *m k) &
    forall N (K : 'M[R]_(N, d)),
      (\sum_n dot v (key K n) / l2 (key K n)) / N%:R <= mean_cosine (regauge A K)].
Proof.
move=> d0 v1; have [A [oA Av]] := orthogonal_between v1 (sqn_ones d0).
have each k : dot v k / l2 k <= cosine (A *m k).
  have rd : 0 < Num.sqrt d%:R :> R by rewrite sqrtr_gt0 ltr0n.
  rewrite -(orth_dot v k oA) Av /cosine orth_l2 // invfM mulrA.
  rewrite ler_wpmul2r ?invr_ge0 ?l2_ge0 // ler_pdivl_mulr //.
  rewrite dotE mulr_suml; apply: ler_sum => i _.
  by rewrite mxE mulrAC mulVf ?gt_eqF // mul1r ler_norm.
exists A; split=> // N K; rewrite ler_wpmul2r ?invr_ge0 ?ler0n //.
by apply: ler_sum => n _; rewrite key_regauge.
Qed.
End MeanAlignment.
