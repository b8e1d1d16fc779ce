(* Family IF: what random or fixed rotations can do for keys whose law looks the same in all      *)
(* directions, and where that hope fails.                                                          *)
From mathcomp Require Import all_ssreflect all_algebra all_fingroup.
From mathcomp.algebra_tactics Require Import ring.
From Routegauge Require Import Vectors.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.Theory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section RotationInvariantLaws.
Variables (R : rcfType) (d : nat).

(* A law gives a probability to the events of some family; it is invariant if rotating the space *)
(* maps events to events of the same probability.                                                *)
Variables (event : ('cV[R]_d -> Prop) -> Prop) (P : ('cV[R]_d -> Prop) -> R).

Definition rotation_invariant :=
  forall A, orthogonal A -> forall B, event B -> event (fun k => B (A *m k)) /\ P (fun k => B (A *m k)) = P B.

(* IF-2. If the law of the keys is invariant under rotations, the 1-bit cosine of rotated keys has *)
(* the law of the 1-bit cosine of the keys, for every fixed rotation. Laws are abstract: a family  *)
(* of events with probabilities, so measures with their measurable sets are a case of it.          *)
Theorem IF_2_a_rotation_does_nothing A (V : R -> Prop) : rotation_invariant -> orthogonal A ->
  event (fun k => V (cosine k)) ->
  event (fun k => V (cosine (A *m k))) /\
  P (fun k => V (cosine (A *m k))) = P (fun k => V (cosine k)).
Proof. by move=> inv oA /(inv A oA). Qed.
End RotationInvariantLaws.

Section FiniteLaws.
Variables (R : rcfType) (d : nat) (T : finType) (p : T -> R) (k : T -> 'cV[R]_d).

(* The weight that the points g t, each of weight p t, put on y. *)
Definition mass (g : T -> 'cV[R]_d) y := \sum_(t | g t == y) p t.

Lemma mean_by_value (g : T -> 'cV[R]_d) (f : 'cV[R]_d -> R) s : uniq s -> (forall t, g t \in s) ->
  \sum_t p t * f (g t) = \sum_(y <- s) mass g y * f y.
Proof.
move=> us gs; rewrite (eq_bigr (fun y => \sum_(t | g t == y) p t * f y)) => [|y _]; last first.
  by rewrite mulr_suml.
rewrite (exchange_big_dep xpredT) //=; apply: eq_bigr => t _.
rewrite big_mkcond (bigD1_seq (g t)) //= eqxx big1 ?addr0 // => y yg.
by rewrite eq_sym (negPf yg).
Qed.

(* IF-2, finite law. If A leaves the law of the keys as it is (the mass at every point is the same *)
(* before and after), every statistic of rotated keys has the mean it had, for instance any        *)
(* function of the 1-bit cosine: cosines before and after have one law.                            *)
Theorem IF_2_b_rotation_does_nothing_finite (A : 'M[R]_d) (f : R -> R) :
  (forall y, mass (fun t => A *m k t) y = mass k y) ->
  \sum_t p t * f (cosine (A *m k t)) = \sum_t p t * f (cosine (k t)).
Proof.
move=> inv; pose s := undup (codom k ++ codom (fun t => A *m k t)).
have us : uniq s := undup_uniq _.
rewrite (@mean_by_value (fun t => A *m k t) (fun y => f (cosine y)) s) //; last first.
  by move=> t; rewrite mem_undup mem_cat codom_f orbT.
rewrite (@mean_by_value k (fun y => f (cosine y)) s) // => [|t]; last by rewrite mem_undup mem_cat codom_f.
by apply: eq_bigr => y _; rewrite inv.
Qed.
End FiniteLaws.

Section SignVectors.
Variables (R : rcfType) (d : nat).

(* All sign vectors, equally likely. *)
Definition pattern := {ffun 'I_d -> bool}.
Definition sgnb (b : bool) : R := if b then -1 else 1.
Definition sign_vector (e : pattern) : 'cV[R]_d := \col_i sgnb (e i).
Definition average (f : pattern -> R) : R := (\sum_e f e) / #|pattern|%:R.

Lemma card_pattern_neq0 : #|{: pattern}|%:R != 0 :> R.
Proof. by rewrite pnatr_eq0 card_ffun card_bool expn_eq0. Qed.

Lemma sgnb_sqr b : sgnb b * sgnb b = 1.
Proof. by case: b; rewrite /sgnb ?mulrNN mulr1. Qed.

Lemma sign_vector_pm1 e : pm1 (sign_vector e).
Proof. by move=> i; rewrite mxE /sgnb; case: (e i); [right|left]. Qed.

Definition flip (i : 'I_d) (e : pattern) : pattern := [ffun j => (j == i) (+) e j].

Lemma flipK i : involutive (flip i).
Proof. by move=> e; apply/ffunP=> j; rewrite !ffunE addbA addbb. Qed.

Lemma sgnb_flip i e j : sgnb (flip i e j) = (if j == i then -1 else 1) * sgnb (e j).
Proof. by rewrite ffunE /sgnb; case: (j == i); case: (e j); rewrite ?mulNr ?mul1r ?opprK. Qed.

(* A sum that changes sign when one sign is flipped is zero. *)
Lemma sum_odd i (f : pattern -> R) : (forall e, f (flip i e) = - f e) -> \sum_e f e = 0.
Proof.
move=> odd_f; have : \sum_e f e = - \sum_e f e.
  rewrite {1}(reindex_inj (inv_inj (flipK i))) -sumrN.
  by apply: eq_bigr => e _; exact: odd_f.
by move/eqP; rewrite -addr_eq0 -mulr2n mulrn_eq0 /= => /eqP.
Qed.

Lemma average_const c : average (fun=> c) = c.
Proof. by rewrite /average sumr_cst mulrAC divff ?mul1r ?card_pattern_neq0. Qed.

Lemma average_sign i : average (fun e => sgnb (e i)) = 0.
Proof.
rewrite /average (sum_odd (i := i)) ?mul0r // => e.
by rewrite sgnb_flip eqxx mulN1r.
Qed.

Lemma average_sign2 i j : average (fun e => sgnb (e i) * sgnb (e j)) = (i == j)%:R.
Proof.
case: eqVneq => [->|ij].
  rewrite -[RHS](average_const 1) /average; congr (_ / _).
  by apply: eq_bigr => e _; exact: sgnb_sqr.
rewrite /average (sum_odd (i := i)) ?mul0r // => e.
by rewrite !sgnb_flip eqxx (eq_sym j) (negPf ij) mul1r mulN1r mulNr.
Qed.

Lemma eq_average f g : f =1 g -> average f = average g.
Proof. by move=> fg; congr (_ / _); apply: eq_bigr => e _; exact: fg. Qed.

Lemma average_sum (I : finType) (F : I -> pattern -> R) :
  average (fun e => \sum_i F i e) = \sum_i average (F i).
Proof. by rewrite /average exchange_big mulr_suml. Qed.

Lemma averageZ a f : average (fun e => a * f e) = a * average f.
Proof. by rewrite /average -mulr_sumr mulrA. Qed.

Lemma average_sign2_mul a b i j :
  average (fun e => (a * sgnb (e i)) * (b * sgnb (e j))) = a * b * (i == j)%:R.
Proof. by rewrite -average_sign2 -averageZ; apply: eq_average => e; ring. Qed.

(* IF-4. Uniform sign vectors have mean zero and covariance the identity, and 1-bit cosine 1 with no *)
(* rotation at all.                                                                                 *)
Theorem IF_4_a_white_keys_above_the_floor : (0 < d)%N ->
  [/\ forall i, average (fun e => sign_vector e i 0) = 0,
      forall i j, average (fun e => sign_vector e i 0 * sign_vector e j 0) = (i == j)%:R &
      forall e, beta (sign_vector e) = 1].
Proof.
move=> d0; split=> [i|i j|e].
- by rewrite -[RHS](average_sign i); apply: eq_average => e; rewrite mxE.
- by rewrite -average_sign2; apply: eq_average => e; rewrite !mxE.
rewrite betaE_ (l1_pm1 (sign_vector_pm1 e)) (sqn_pm1 (sign_vector_pm1 e)) expr2 divff //.
by rewrite mulf_neq0 ?pnatr_eq0 -?lt0n.
Qed.

(* IF-4. Hidden behind any fixed rotation R0, the keys still have mean zero and covariance the      *)
(* identity, and the one fixed rotation R0, chosen without data, gives every key beta = 1. So it is *)
(* false that no data-independent rotation beats the Gaussian floor once the covariance is isotropic, *)
(* in every dimension and for every floor below 1.                                                    *)
Theorem IF_4_b_isotropic_covariance_is_not_enough (R0 : 'M[R]_d) : (0 < d)%N -> orthogonal R0 ->
  let k e := R0^T *m sign_vector e in
  [/\ forall i, average (fun e => k e i 0) = 0,
      forall i j, average (fun e => k e i 0 * k e j 0) = (i == j)%:R &
      forall e, beta (R0 *m k e) = 1].
Proof.
move=> d0 oR k; have kE e i : k e i 0 = \sum_l R0 l i * sgnb (e l).
  by rewrite mxE; apply: eq_bigr => l _; rewrite !mxE.
split=> [i|i j|e].
- rewrite (eq_average (kE^~ i)) average_sum big1 // => l _.
  by rewrite averageZ average_sign mulr0.
- rewrite (@eq_average _ (fun e => \sum_l \sum_m (R0 l i * sgnb (e l)) * (R0 m j * sgnb (e m)))); last first.
    by move=> e; rewrite !kE mulr_suml; apply: eq_bigr => l _; rewrite mulr_sumr.
  rewrite average_sum (eq_bigr (fun l => R0 l i * R0 l j)) => [|l _].
    have := congr1 (fun X : 'M_d => X i j) oR; rewrite !mxE => <-.
    by apply: eq_bigr => l _; rewrite mxE.
  rewrite average_sum (bigD1 l) //= average_sign2_mul eqxx mulr1 big1 ?addr0 // => m ml.
  by rewrite average_sign2_mul eq_sym (negPf ml) mulr0.
rewrite /k mulmxA (orth_tr oR) mul1mx.
by case: IF_4_a_white_keys_above_the_floor.
Qed.

(* A Hadamard matrix over sqrt d: orthogonal, all entries of modulus 1/sqrt d. *)
Definition hadamard (H : 'M[R]_d) := orthogonal H /\ forall i j, H i j ^+ 2 = d%:R^-1.
Definition signs (e : pattern) : 'M[R]_d := diag_mx (sign_vector e)^T.

Lemma signs_mul e (x : 'cV[R]_d) i : (signs e *m x) i 0 = sgnb (e i) * x i 0.
Proof.
rewrite mxE (bigD1 i) //= !mxE eqxx mulr1n big1 ?addr0 // => j ji.
by rewrite !mxE eq_sym (negPf ji) mulr0n mul0r.
Qed.

Lemma signs_orthogonal e : orthogonal (signs e).
Proof.
apply/matrixP=> i j; rewrite -mul_unitv -[(1%:M : 'M[R]_d) i j]mul_unitv mul1mx -mulmxA tr_diag_mx.
by rewrite !signs_mul mulrA sgnb_sqr mul1r.
Qed.

Lemma hadamard_norm H i j : hadamard H -> `|H i j| = (Num.sqrt d%:R)^-1.
Proof. by move=> [_ /(_ i j) Hij]; rewrite -sqrtr_sqr Hij sqrtrV ?ler0n. Qed.

(* IF-6 (i). Random signs before a Hadamard matrix give every coordinate the same mean square. *)
Theorem IF_6_i_equal_second_moments H (k : 'cV[R]_d) j : hadamard H ->
  average (fun e => ((H *m (signs e *m k)) j 0) ^+ 2) = sqn k / d%:R.
Proof.
move=> [_ H2].
rewrite (@eq_average _ (fun e => \sum_l \sum_m (H j l * k l 0 * sgnb (e l)) * (H j m * k m 0 * sgnb (e m)))).
  rewrite average_sum /sqn mulr_suml; apply: eq_bigr => l _.
  rewrite average_sum (bigD1 l) //= average_sign2_mul eqxx mulr1 big1 ?addr0 => [|m ml].
    by rewrite -(H2 j l); ring.
  by rewrite average_sign2_mul eq_sym (negPf ml) mulr0.
move=> e; have yE : (H *m (signs e *m k)) j 0 = \sum_l H j l * k l 0 * sgnb (e l).
  by rewrite mxE; apply: eq_bigr => l _; rewrite signs_mul -mulrA (mulrC (k l 0)).
by rewrite yE expr2 mulr_suml; apply: eq_bigr => l _; rewrite mulr_sumr.
Qed.

(* IF-6 (iii). A one-hot key comes out with cosine 1, whatever the signs. *)
Theorem IF_6_iii_one_hot_key H i e : hadamard H -> cosine (H *m (signs e *m unitv R i)) = 1.
Proof.
move=> hH; have [oH _] := hH; have d0 := dim_gt0 (unitv_neq0 R i).
have rd : 0 < Num.sqrt d%:R :> R by rewrite sqrtr_gt0.
have -> : signs e *m unitv R i = sgnb (e i) *: unitv R i.
  by apply/colP=> j; rewrite signs_mul !mxE; case: eqP => [->|_]; rewrite ?mulr0.
rewrite -scalemxAr cosineZ; last by rewrite /sgnb; case: (e i); rewrite ?oppr_eq0 oner_eq0.
rewrite /cosine orth_l2 // /l2 sqn_unitv sqrtr1 mulr1.
have -> : l1 (H *m unitv R i) = d%:R * (Num.sqrt d%:R)^-1.
  rewrite /l1 (eq_bigr (fun=> (Num.sqrt d%:R)^-1)) => [|j _]; last by rewrite mul_unitv hadamard_norm.
  by rewrite sumr_cst card_ord.
by rewrite -{1}(@sqr_sqrt_dim R d) expr2 mulfK ?gt_eqF // divff ?gt_eqF.
Qed.

(* IF-6 (ii), its sharp case. Two equal nonzero entries come out with cosine 1/sqrt 2, whatever the *)
(* signs: far below the Gaussian 0.798, so random signs do not force Gaussianity on sparse keys.     *)
Theorem IF_6_ii_b_sharp_two_equal_entries H i l e : hadamard H -> i != l ->
  cosine (H *m (signs e *m (unitv R i + unitv R l))) = (Num.sqrt 2)^-1.
Proof.
move=> hH il; have [oH H2] := hH; have d0 := dim_gt0 (unitv_neq0 R i).
have rd : 0 < Num.sqrt d%:R :> R by rewrite sqrtr_gt0.
set x := unitv R i + unitv R l; set y := H *m _.
have sqn_x : sqn x = 2.
  by rewrite sqnD !sqn_unitv dot_unitl mxE (negPf il) mulr0 addr0.
have sqn_y : sqn y = 2 by rewrite /y !orth_sqn //; exact: signs_orthogonal.
have yE j : y j 0 = H j i * sgnb (e i) + H j l * sgnb (e l).
  have xE : signs e *m x = sgnb (e i) *: unitv R i + sgnb (e l) *: unitv R l.
    apply/colP=> m; rewrite signs_mul !mxE mulrDr.
    by congr (_ + _); case: eqP => [->|_]; rewrite ?mulr0.
  rewrite /y xE mulmxDr -!scalemxAr mxE [X in X + _]mxE [X in _ + X]mxE !mul_unitv.
  by rewrite mulrC [X in _ + X]mulrC.
(* Each entry is 0 or +-2/sqrt d, so its modulus is sqrt d / 2 times its square. *)
have abs_y j : `|y j 0| = Num.sqrt d%:R / 2 * y j 0 ^+ 2.
  have ab (a b : R) : a ^+ 2 = d%:R^-1 -> b ^+ 2 = d%:R^-1 ->
      `|a + b| = Num.sqrt d%:R / 2 * (a + b) ^+ 2.
    move=> a2 b2; have : a ^+ 2 == b ^+ 2 by rewrite a2 b2.
    rewrite eqf_sqr => /orP [] /eqP ->; last by rewrite addNr normr0 expr0n mulr0.
    have {b2} bn : `|b| = (Num.sqrt d%:R)^-1 by rewrite -sqrtr_sqr b2 sqrtrV ?ler0n.
    rewrite (_ : b + b = 2 * b); last by ring.
    rewrite normrM normr_nat bn exprMn -[b ^+ 2]real_normK ?num_real // bn.
    by field; rewrite gt_eqF.
  by rewrite yE; apply: ab; rewrite exprMn H2 expr2 sgnb_sqr mulr1.
have l1_y : l1 y = Num.sqrt d%:R.
  rewrite /l1 (eq_bigr _ (fun j _ => abs_y j)) -mulr_sumr -/(sqn y) sqn_y.
  by rewrite mulfVK // pnatr_eq0.
by rewrite /cosine l1_y /l2 sqn_y invfM mulrA divff ?gt_eqF // mul1r.
Qed.
End SignVectors.

(* Hadamard matrices exist, in the plane for instance. *)
Lemma hadamard_instance (R : rcfType) : exists H : 'M[R]_2, hadamard H.
Proof.
pose r : R := (Num.sqrt 2%:R)^-1.
have rr : r ^+ 2 = 2%:R^-1 by rewrite /r exprVn sqr_sqrtr ?ler0n.
have half : 2%:R^-1 + 2%:R^-1 = 1 :> R by field.
exists (\matrix_(i, j) if (i == 1) && (j == 1) then - r else r); split=> [|i j]; last first.
  by rewrite mxE; case: ifP; rewrite ?sqrrN rr.
apply: orth_mxE => i j; rewrite !big_ord_recl big_ord0 addr0 !mxE /=.
have -> : (i == j) = ((i == 1) == (j == 1)) by case: i => -[|[|//]] ?; case: j => -[|[|//]] ?.
by case: (i == 1); case: (j == 1) => /=; rewrite ?mulrNN ?mulrN ?mulNr ?subrr // -expr2 rr.
Qed.
