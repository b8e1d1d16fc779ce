(* What the families GI to LH share: column vectors over a real closed field   *)
(* (a field with an order and square roots, such as the real numbers), their   *)
(* norms, the 1-bit cosine, orthogonal matrices and the four aggregates.       *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.algebra_tactics Require Import ring.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.Theory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Sums.
Variable R : realFieldType.

Lemma sumr_cst (T : finType) (c : R) : \sum_(t : T) c = #|T|%:R * c.
Proof. by rewrite sumr_const mulr_natl. Qed.

Lemma sumr_sqr_eq0 (T : finType) (a : T -> R) :
  \sum_t a t ^+ 2 = 0 <-> forall t, a t = 0.
Proof.
split=> [/eqP|a0]; last by rewrite big1 // => t _; rewrite a0 expr0n.
rewrite psumr_eq0 => [/allP a0 t|t _]; last exact: sqr_ge0.
by apply/eqP; rewrite -sqrf_eq0; apply: a0; rewrite mem_index_enum.
Qed.

(* The variance of a finite law is the mean square less the squared mean. *)
Lemma weighted_variance (T : finType) (p a : T -> R) :
  \sum_t p t = 1 ->
  \sum_t p t * (a t - \sum_u p u * a u) ^+ 2 =
  \sum_t p t * a t ^+ 2 - (\sum_t p t * a t) ^+ 2.
Proof.
move=> p1; set m := \sum_t p t * a t.
rewrite (eq_bigr (fun t => p t * a t ^+ 2 + (- (2 * m) * (p t * a t) + m ^+ 2 * p t))); last first.
  by move=> t _; ring.
by rewrite big_split /= big_split /= -!mulr_sumr p1 -/m; ring.
Qed.

Lemma variance_identity (T : finType) (a : T -> R) : (0 < #|T|)%N ->
  \sum_t (a t - (\sum_u a u) / #|T|%:R) ^+ 2 =
  \sum_t a t ^+ 2 - (\sum_t a t) ^+ 2 / #|T|%:R.
Proof.
move=> T0; have n0 : #|T|%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
set m := _ / _.
rewrite (eq_bigr (fun t => a t ^+ 2 + (- (2 * m) * a t + m ^+ 2))); last by move=> t _; ring.
rewrite big_split /= big_split /= -!mulr_sumr sumr_cst /m.
move: n0; move: (\sum_t a t) (\sum_t a t ^+ 2) (#|T|%:R) => s s2 n n0.
by field.
Qed.

(* Cauchy-Schwarz against the constant one, with its case of equality. *)
Lemma sqr_sum_le (T : finType) (a : T -> R) :
  (\sum_t a t) ^+ 2 <= #|T|%:R * \sum_t a t ^+ 2.
Proof.
have [T0|] := posnP #|T|.
  by rewrite T0 mul0r big_pred0 ?expr0n // => t; have := fintype0 t T0.
move=> T0; have n0 : 0 < #|T|%:R :> R by rewrite ltr0n.
rewrite -ler_pdivr_mull // mulrC -subr_ge0 -variance_identity //.
by apply: sumr_ge0 => t _; exact: sqr_ge0.
Qed.

Lemma sqr_sum_eq (T : finType) (a : T -> R) :
  (\sum_t a t) ^+ 2 = #|T|%:R * (\sum_t a t ^+ 2) <-> forall t u, a t = a u.
Proof.
have [T0|] := posnP #|T|.
  split=> [_ t|_]; first by have := fintype0 t T0.
  by rewrite T0 mul0r big_pred0 ?expr0n // => t; have := fintype0 t T0.
move=> T0; have n0 : #|T|%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
split=> [eq_sum|const].
  have /sumr_sqr_eq0 dev : \sum_t (a t - (\sum_u a u) / #|T|%:R) ^+ 2 = 0.
    by rewrite variance_identity // eq_sum mulrAC divff // mul1r subrr.
  by move=> t u; rewrite (subr0_eq (dev t)) (subr0_eq (dev u)).
case/card_gt0P: T0 => t0 _.
have -> : \sum_t a t = #|T|%:R * a t0.
  by rewrite -sumr_cst; apply: eq_bigr => t _; exact: const.
have -> : \sum_t a t ^+ 2 = #|T|%:R * a t0 ^+ 2; last by rewrite exprMn [in LHS]expr2 mulrA.
by rewrite -sumr_cst; apply: eq_bigr => t _; rewrite (const t t0).
Qed.

End Sums.

Section Vectors.
Variable R : rcfType.
Variable d : nat.
Implicit Types x y s : 'cV[R]_d.

Definition dot x y : R := (x^T *m y) ord0 ord0.
Definition l1 x : R := \sum_i `|x i 0|.
Definition sqn x : R := \sum_i x i 0 ^+ 2.  (* squared Euclidean norm *)
Definition l2 x : R := Num.sqrt (sqn x).

(* A sign vector of x: entries +1 or -1 that agree with x wherever x is not zero. Where x is zero *)
(* either sign is allowed, so what is proved of every sign vector holds for every convention with *)
(* sgn(0) in {+1, -1}.                                                                           *)
Definition pm1 s := forall i, s i 0 = 1 \/ s i 0 = -1.
Definition sign_of s x := pm1 s /\ forall i, s i 0 * x i 0 = `|x i 0|.

(* The 1-bit cosine and its square. *)
Definition cosine x : R := l1 x / (Num.sqrt d%:R * l2 x).
Definition beta x : R := cosine x ^+ 2.

Definition orthogonal (A : 'M[R]_d) := A^T *m A = 1%:M.

Lemma dotE x y : dot x y = \sum_i x i 0 * y i 0.
Proof. by rewrite /dot mxE; apply: eq_bigr => i _; rewrite mxE. Qed.

Lemma dotC x y : dot x y = dot y x.
Proof. by rewrite !dotE; apply: eq_bigr => i _; rewrite mulrC. Qed.

Lemma dotDl x y z : dot (x + y) z = dot x z + dot y z.
Proof. by rewrite /dot linearD mulmxDl mxE. Qed.

Lemma dotDr x y z : dot z (x + y) = dot z x + dot z y.
Proof. by rewrite /dot mulmxDr mxE. Qed.

Lemma dotZl a x y : dot (a *: x) y = a * dot x y.
Proof. by rewrite /dot linearZ -scalemxAl mxE. Qed.

Lemma dotZr a x y : dot y (a *: x) = a * dot y x.
Proof. by rewrite /dot -scalemxAr mxE. Qed.

Lemma dotNr x y : dot y (- x) = - dot y x.
Proof. by rewrite /dot mulmxN mxE. Qed.

Lemma dotNl x y : dot (- x) y = - dot x y.
Proof. by rewrite dotC dotNr dotC. Qed.

Lemma dotBr x y z : dot z (x - y) = dot z x - dot z y.
Proof. by rewrite dotDr dotNr. Qed.

Lemma dotBl x y z : dot (x - y) z = dot x z - dot y z.
Proof. by rewrite dotDl dotNl. Qed.

Lemma sqnE x : sqn x = dot x x.
Proof. by rewrite dotE; apply: eq_bigr => i _; rewrite expr2. Qed.

Lemma sqn_ge0 x : 0 <= sqn x.
Proof. by apply: sumr_ge0 => i _; exact: sqr_ge0. Qed.

Lemma sqn_eq0 x : (sqn x == 0) = (x == 0).
Proof.
apply/eqP/eqP => [/sumr_sqr_eq0 x0|->].
  by apply/matrixP=> i j; rewrite ord1 mxE.
by apply: big1 => i _; rewrite mxE expr0n.
Qed.

Lemma sqn_gt0 x : (0 < sqn x) = (x != 0).
Proof. by rewrite lt0r sqn_eq0 sqn_ge0 andbT. Qed.

Lemma sqnZ a x : sqn (a *: x) = a ^+ 2 * sqn x.
Proof. by rewrite !sqnE dotZl dotZr mulrA expr2. Qed.

Lemma sqnN x : sqn (- x) = sqn x.
Proof. by rewrite !sqnE dotNl dotNr opprK. Qed.

Lemma sqnD x y : sqn (x + y) = sqn x + 2 * dot x y + sqn y.
Proof. by rewrite !sqnE dotDl !dotDr (dotC y x); ring. Qed.

Lemma sqnB x y : sqn (x - y) = sqn x - 2 * dot x y + sqn y.
Proof. by rewrite sqnD dotNr sqnN; ring. Qed.

Lemma l2_sqr x : l2 x ^+ 2 = sqn x.
Proof. by rewrite sqr_sqrtr // sqn_ge0. Qed.

Lemma l2_ge0 x : 0 <= l2 x.
Proof. exact: sqrtr_ge0. Qed.

Lemma l2_gt0 x : (0 < l2 x) = (x != 0).
Proof. by rewrite sqrtr_gt0 sqn_gt0. Qed.

Lemma l2_eq0 x : (l2 x == 0) = (x == 0).
Proof. by rewrite -sqn_eq0 -l2_sqr sqrf_eq0. Qed.

Lemma l2Z a x : l2 (a *: x) = `|a| * l2 x.
Proof. by rewrite /l2 sqnZ sqrtrM ?sqr_ge0 // sqrtr_sqr. Qed.

Lemma l1_ge0 x : 0 <= l1 x.
Proof. by apply: sumr_ge0 => i _; exact: normr_ge0. Qed.

Lemma l1Z a x : l1 (a *: x) = `|a| * l1 x.
Proof. by rewrite mulr_sumr; apply: eq_bigr => i _; rewrite mxE normrM. Qed.

Lemma sqn_abs x : sqn x = \sum_i `|x i 0| ^+ 2.
Proof. by apply: eq_bigr => i _; rewrite -normrX ger0_norm ?sqr_ge0. Qed.

Lemma entry_neq0 x : x != 0 -> exists i, x i 0 != 0.
Proof.
move=> x0; apply/existsP; apply: contraNT x0 => /existsPn x0.
by apply/eqP/matrixP=> i j; rewrite ord1 mxE; apply/eqP; have := x0 i; rewrite negbK.
Qed.

Lemma dim_gt0 x : x != 0 -> 0 < d%:R :> R.
Proof. by case/entry_neq0=> -[i lt_id] _; rewrite ltr0n; apply: leq_ltn_trans lt_id. Qed.

Lemma l1_gt0 x : (0 < l1 x) = (x != 0).
Proof.
apply/idP/idP => [|x0].
  by apply: contraTneq => ->; rewrite /l1 big1 ?ltxx // => i _; rewrite mxE normr0.
have [i xi] := entry_neq0 x0.
rewrite /l1 (bigD1 i) //= ltr_spaddl ?normr_gt0 //.
by apply: sumr_ge0 => j _; exact: normr_ge0.
Qed.

(* sgn with sgn(0) = +1. *)
Definition sgn x : 'cV[R]_d := \col_i (if 0 <= x i 0 then 1 else -1).

Lemma sgn_sign_of x : sign_of (sgn x) x.
Proof.
split=> i; rewrite mxE; first by case: ifP => _; [left|right].
by case: ger0P => _; rewrite ?mul1r ?mulN1r.
Qed.

Lemma pm1_sqr s i : pm1 s -> s i 0 ^+ 2 = 1.
Proof. by move=> /(_ i) [] ->; rewrite ?sqrrN expr1n. Qed.

Lemma pm1_norm s i : pm1 s -> `|s i 0| = 1.
Proof. by move=> /(_ i) [] ->; rewrite ?normrN normr1. Qed.

Lemma sqn_pm1 s : pm1 s -> sqn s = d%:R.
Proof.
move=> s1; rewrite /sqn (eq_bigr (fun=> 1)) => [|i _]; last exact: pm1_sqr.
by rewrite sumr_const card_ord.
Qed.

Lemma l1_pm1 s : pm1 s -> l1 s = d%:R.
Proof.
move=> s1; rewrite /l1 (eq_bigr (fun=> 1)) => [|i _]; last exact: pm1_norm.
by rewrite sumr_const card_ord.
Qed.

Lemma dot_sign s x : sign_of s x -> dot x s = l1 x.
Proof. by case=> _ sx; rewrite dotE; apply: eq_bigr => i _; rewrite mulrC. Qed.

(* No sign pattern correlates with x better than its signs. *)
Lemma dot_pm1_le s x : pm1 s -> dot x s <= l1 x.
Proof.
move=> s1; rewrite dotE; apply: ler_sum => i _.
by apply: le_trans (ler_norm _) _; rewrite normrM (pm1_norm _ s1) mulr1.
Qed.

Lemma sqrt_dim_gt0 x : x != 0 -> 0 < Num.sqrt d%:R :> R.
Proof. by move/dim_gt0; rewrite sqrtr_gt0. Qed.

Lemma sqr_sqrt_dim : Num.sqrt d%:R ^+ 2 = d%:R :> R.
Proof. by rewrite sqr_sqrtr ?ler0n. Qed.

Lemma cosine_ge0 x : 0 <= cosine x.
Proof. by rewrite divr_ge0 ?l1_ge0 // mulr_ge0 ?sqrtr_ge0. Qed.

Lemma betaE_ x : beta x = l1 x ^+ 2 / (d%:R * sqn x).
Proof. by rewrite /beta expr_div_n exprMn sqr_sqrt_dim l2_sqr. Qed.

Lemma cosine_gt0 x : x != 0 -> 0 < cosine x.
Proof.
move=> x0; rewrite divr_gt0 ?l1_gt0 // mulr_gt0 ?l2_gt0 //.
exact: sqrt_dim_gt0 x0.
Qed.

Lemma l1_sqr_le x : l1 x ^+ 2 <= d%:R * sqn x.
Proof. by rewrite sqn_abs; have := sqr_sum_le (fun i => `|x i 0|); rewrite card_ord. Qed.

Lemma l1_sqr_beta x : x != 0 -> l1 x ^+ 2 = beta x * (d%:R * sqn x).
Proof.
move=> x0; rewrite betaE_ mulfVK // mulf_neq0 ?sqn_eq0 //.
by have /lt0r_neq0 := dim_gt0 x0.
Qed.

Lemma beta_le1 x : beta x <= 1.
Proof.
rewrite betaE_; have [->|x0] := eqVneq x 0.
  by rewrite (_ : sqn 0 = 0) ?mulr0 ?invr0 ?mulr0 ?ler01 //; apply/eqP; rewrite sqn_eq0.
by rewrite ler_pdivr_mulr ?mul1r ?l1_sqr_le // mulr_gt0 ?sqn_gt0 // (dim_gt0 x0).
Qed.

Lemma cosine_le1 x : cosine x <= 1.
Proof. by rewrite -(@ler_sqr _ (cosine x)) ?nnegrE ?cosine_ge0 // expr1n; exact: beta_le1. Qed.

Lemma cosineZ a x : a != 0 -> cosine (a *: x) = cosine x.
Proof.
move=> a0; rewrite /cosine l1Z l2Z mulrCA -mulf_div divff ?normr_eq0 //.
by rewrite mul1r.
Qed.

(* L1 equal to L2 forces at most one nonzero entry. *)
Lemma l1_sqr_sqn x : l1 x ^+ 2 = sqn x ->
  forall i j, i != j -> x i 0 * x j 0 = 0.
Proof.
move=> eq12 i j ij; apply/eqP; rewrite -normr_eq0 normrM.
have rest0 h : 0 <= \sum_(t | t != h) `|x t 0| :> R by apply: sumr_ge0 => t _; exact: normr_ge0.
have l1i : l1 x = `|x i 0| + \sum_(t | t != i) `|x t 0| by rewrite /l1 (bigD1 i).
have : \sum_t `|x t 0| * (l1 x - `|x t 0|) = 0.
  rewrite (eq_bigr (fun t => `|x t 0| * l1 x - `|x t 0| ^+ 2)) => [|t _]; last by ring.
  by rewrite big_split /= sumrN -mulr_suml -sqn_abs -/(l1 x) -eq12 -expr2 subrr.
move/eqP; rewrite psumr_eq0 => [/allP/(_ i (mem_index_enum i))/implyP/(_ isT)|t _]; last first.
  by rewrite mulr_ge0 // /l1 (bigD1 t) //= addrAC subrr add0r.
rewrite l1i addrAC subrr add0r mulf_eq0 => /orP [/eqP->|]; first by rewrite mul0r.
rewrite psumr_eq0 => [/allP/(_ j (mem_index_enum j))|t _]; last exact: normr_ge0.
by rewrite eq_sym ij /= => /eqP->; rewrite mulr0.
Qed.

(* The L1 norm is at least the L2 norm. *)
Lemma sqn_le_l1_sqr x : sqn x <= l1 x ^+ 2.
Proof.
have -> : l1 x ^+ 2 = sqn x + \sum_t `|x t 0| * (l1 x - `|x t 0|).
  rewrite [X in _ + X](eq_bigr (fun t => `|x t 0| * l1 x - `|x t 0| ^+ 2)) => [|t _]; last by ring.
  by rewrite big_split /= sumrN -mulr_suml -sqn_abs -/(l1 x) -expr2 addrC subrK.
rewrite ler_addl; apply: sumr_ge0 => t _; rewrite mulr_ge0 // /l1 (bigD1 t) //= addrAC subrr add0r.
by apply: sumr_ge0 => i _; exact: normr_ge0.
Qed.

Lemma cosine_l1 x : x != 0 -> cosine x * (Num.sqrt d%:R * l2 x) = l1 x.
Proof.
move=> x0; rewrite mulfVK // mulf_neq0 ?l2_eq0 //.
exact: lt0r_neq0 (sqrt_dim_gt0 x0).
Qed.

Lemma sqn_sub_pm1 x t a : pm1 t -> sqn (x - a *: t) = sqn x - 2 * a * dot x t + a ^+ 2 * d%:R.
Proof. by move=> t1; rewrite sqnB dotZr sqnZ (sqn_pm1 t1); ring. Qed.

Lemma orth_dot (A : 'M[R]_d) x y : orthogonal A -> dot (A *m x) (A *m y) = dot x y.
Proof. by move=> oA; rewrite /dot trmx_mul -mulmxA (mulmxA A^T) oA mul1mx. Qed.

Lemma orth_sqn (A : 'M[R]_d) x : orthogonal A -> sqn (A *m x) = sqn x.
Proof. by move=> oA; rewrite !sqnE orth_dot. Qed.

Lemma orth_l2 (A : 'M[R]_d) x : orthogonal A -> l2 (A *m x) = l2 x.
Proof. by move=> oA; rewrite /l2 orth_sqn. Qed.

Lemma orth_unit (A : 'M[R]_d) : orthogonal A -> A \in unitmx.
Proof. by move/mulmx1_unit=> []. Qed.

Lemma orth_tr (A : 'M[R]_d) : orthogonal A -> A *m A^T = 1%:M.
Proof. exact: mulmx1C. Qed.

Lemma orth_trmx (A : 'M[R]_d) : orthogonal A -> orthogonal A^T.
Proof. by move=> oA; rewrite /orthogonal trmxK orth_tr. Qed.

Lemma orth_neq0 (A : 'M[R]_d) x : orthogonal A -> (A *m x != 0) = (x != 0).
Proof. by move=> oA; rewrite -!sqn_eq0 orth_sqn. Qed.

Lemma orth1 : orthogonal 1%:M.
Proof. by rewrite /orthogonal trmx1 mulmx1. Qed.

Definition unitv (i : 'I_d) : 'cV[R]_d := delta_mx i 0.

Lemma dot_unitl i x : dot (unitv i) x = x i 0.
Proof.
rewrite dotE (bigD1 i) //= mxE !eqxx mul1r big1 ?addr0 // => j ji.
by rewrite mxE (negPf ji) mul0r.
Qed.

Lemma dot_unitr i x : dot x (unitv i) = x i 0.
Proof. by rewrite dotC dot_unitl. Qed.

Lemma mul_unitv (A : 'M[R]_d) i j : (A *m unitv j) i 0 = A i j.
Proof. by rewrite -[unitv j]/(delta_mx j 0) -colE mxE. Qed.

Lemma sqn_unitv i : sqn (unitv i) = 1.
Proof. by rewrite sqnE dot_unitl mxE !eqxx. Qed.

Lemma l1_unitv i : l1 (unitv i) = 1.
Proof.
rewrite /l1 (bigD1 i) //= mxE !eqxx normr1 big1 ?addr0 // => j ji.
by rewrite mxE (negPf ji) normr0.
Qed.

Lemma unitv_neq0 i : unitv i != 0.
Proof. by rewrite -sqn_eq0 sqn_unitv oner_eq0. Qed.

Lemma orth_mxE (A : 'M[R]_d) :
  (forall i j, \sum_k A k i * A k j = (i == j)%:R) -> orthogonal A.
Proof.
move=> oA; apply/matrixP=> i j; rewrite !mxE -oA.
by apply: eq_bigr => k _; rewrite mxE.
Qed.

End Vectors.

(* The four aggregates of a key matrix, one key a row. They are different numbers. *)
Section Aggregates.
Variables (R : rcfType) (N d : nat).
Implicit Type K : 'M[R]_(N, d).

Definition key K n : 'cV[R]_d := (row n K)^T.
Definition mean_cosine K : R := (\sum_n cosine (key K n)) / N%:R.
Definition beta_E K : R := (\sum_n l1 (key K n) ^+ 2) / (d%:R * \sum_n sqn (key K n)).
Definition col_l1 K j : R := \sum_n `|K n j|.
Definition total_l1 K : R := \sum_n \sum_j `|K n j|.
Definition frob K : R := \sum_n \sum_j K n j ^+ 2.  (* squared Frobenius norm *)
Definition beta_ch K : R := (\sum_j col_l1 K j ^+ 2) / (N%:R * frob K).
Definition beta_pool K : R := total_l1 K ^+ 2 / (N%:R * d%:R * frob K).

(* The keys in the gauge A: every row k becomes A k. *)
Definition regauge (A : 'M[R]_d) K : 'M[R]_(N, d) := K *m A^T.

Lemma keyE K n i : key K n i 0 = K n i.
Proof. by rewrite !mxE. Qed.

Lemma key_regauge A K n : key (regauge A K) n = A *m key K n.
Proof. by rewrite /key /regauge row_mul trmx_mul trmxK. Qed.

Lemma regauge1 K : regauge 1%:M K = K.
Proof. by rewrite /regauge trmx1 mulmx1. Qed.

Lemma l1_key K n : l1 (key K n) = \sum_j `|K n j|.
Proof. by apply: eq_bigr => j _; rewrite keyE. Qed.

Lemma sqn_key K n : sqn (key K n) = \sum_j K n j ^+ 2.
Proof. by apply: eq_bigr => j _; rewrite keyE. Qed.

Lemma frobE K : frob K = \sum_n sqn (key K n).
Proof. by apply: eq_bigr => n _; rewrite sqn_key. Qed.

Lemma total_l1E K : total_l1 K = \sum_n l1 (key K n).
Proof. by apply: eq_bigr => n _; rewrite l1_key. Qed.

Lemma total_l1_col K : total_l1 K = \sum_j col_l1 K j.
Proof. exact: exchange_big. Qed.

Lemma frob_ge0 K : 0 <= frob K.
Proof. by rewrite frobE; apply: sumr_ge0 => n _; exact: sqn_ge0. Qed.

Lemma frob_gt0 K : K != 0 -> 0 < frob K.
Proof.
move=> K0; rewrite lt0r frob_ge0 andbT; apply: contraNneq K0.
rewrite frobE => /eqP; rewrite psumr_eq0 => [/allP k0|n _]; last exact: sqn_ge0.
apply/eqP/matrixP=> n j; rewrite mxE.
have /implyP/(_ isT) := k0 n (mem_index_enum n); rewrite sqn_eq0 => /eqP/matrixP/(_ j 0).
by rewrite keyE mxE.
Qed.

Lemma dims_gt0 K : K != 0 -> 0 < N%:R :> R /\ 0 < d%:R :> R.
Proof.
move=> K0; suff [n [j _]] : exists n j, K n j != 0.
  by rewrite !ltr0n; split; [case: n => n; apply: leq_ltn_trans|case: j => j; apply: leq_ltn_trans].
have /existsP [n /existsP [j Knj]] : [exists n, exists j, K n j != 0]; last by exists n, j.
apply: contraNT K0 => /existsPn K0; apply/eqP/matrixP=> n j; rewrite mxE.
by have /existsPn/(_ j) := K0 n; rewrite negbK => /eqP.
Qed.

End Aggregates.
