(* Family GS: searching for a gauge.  c(k) = |k|_1 / (sqrt d |k|_2). *)
From mathcomp Require Import all_ssreflect all_algebra.
From Routegauge Require Import FieldTactics InnerProduct OneBit.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

Section Search.
Variables (R : rcfType) (d : nat).
Hypothesis d0 : (0 < d)%N.
Implicit Types (u v w k : 'cV[R]_d) (O M S : 'M[R]_d).
Add Field search_field : (mc_field_theory R).

Definition cosine k : R := l1 k / (Num.sqrt d%:R * norm k).
Definition orthogonal O := O^T *m O = 1%:M.

Lemma sqrtd_gt0 : 0 < Num.sqrt d%:R :> R.
Proof. by rewrite sqrtr_gt0 ltr0n. Qed.

Lemma orth_dot O u v : orthogonal O -> dot (O *m u) (O *m v) = dot u v.
Proof. by move=> h; rewrite dot_mulmxl mulmxA h mul1mx. Qed.

Lemma orth_norm O u : orthogonal O -> norm (O *m u) = norm u.
Proof. by move=> h; rewrite /norm orth_dot. Qed.

(* What ITQ with weights w maximises. *)
Definition objective N (w : 'I_N -> R) (K : 'I_N -> 'cV[R]_d) O : R :=
  \sum_n w n * l1 (O *m K n).

(* GS-2. (a) Weights 1/|k_n| optimise the mean cosine ... *)
Theorem GS_2_a_weights_for_mean_cosine N (K : 'I_N -> 'cV[R]_d) O : orthogonal O ->
  (\sum_n cosine (O *m K n)) / N%:R =
  objective (fun n => (norm (K n))^-1) K O / (Num.sqrt d%:R * N%:R).
Proof.
move=> orth; rewrite /objective invfM mulrA; congr (_ / _).
rewrite mulr_suml; apply: eq_bigr => n _.
by rewrite /cosine orth_norm // invfM; mring R.
Qed.

(* GS-2. (b) ... unit weights the square root of the pooled beta ... *)
Theorem GS_2_b_weights_for_pooled_beta N (K : 'I_N -> 'cV[R]_d) O : orthogonal O ->
  Num.sqrt ((\sum_n l1 (O *m K n)) ^+ 2 /
            ((N * d)%:R * \sum_n dot (O *m K n) (O *m K n))) =
  objective (fun=> 1) K O / Num.sqrt ((N * d)%:R * \sum_n dot (K n) (K n)).
Proof.
move=> orth.
have e : \sum_n dot (O *m K n) (O *m K n) = \sum_n dot (K n) (K n).
  by apply: eq_bigr => n _; rewrite orth_dot.
have o : objective (fun=> 1) K O = \sum_n l1 (O *m K n).
  by apply: eq_bigr => n _; rewrite mul1r.
rewrite e o sqrtrM ?sqr_ge0 // sqrtrV ?sqrtr_sqr.
  by rewrite ger0_norm // sumr_ge0 // => n _; apply: l1_ge0.
by rewrite mulr_ge0 ?ler0n // sumr_ge0 // => n _; apply: dot_ge0.
Qed.

(* GS-2. (c) ... and weights |R_old k_n|_1, refreshed each step, climb beta_E
   monotonically: if the weighted objective does not fall, neither does beta_E
   (numerators; the denominator d sum |k_n|^2 does not depend on the rotation). *)
Theorem GS_2_c_weights_for_beta_E N (K : 'I_N -> 'cV[R]_d) (Old New : 'M[R]_d) :
  objective (fun n => l1 (Old *m K n)) K Old <= objective (fun n => l1 (Old *m K n)) K New ->
  \sum_n l1 (Old *m K n) ^+ 2 <= \sum_n l1 (New *m K n) ^+ 2.
Proof.
rewrite /objective => h; rewrite -subr_ge0.
have -> : \sum_n l1 (New *m K n) ^+ 2 - \sum_n l1 (Old *m K n) ^+ 2 =
   \sum_n (l1 (New *m K n) - l1 (Old *m K n)) ^+ 2 +
   2%:R * (\sum_n l1 (Old *m K n) * l1 (New *m K n) - \sum_n l1 (Old *m K n) * l1 (Old *m K n)).
  rewrite -!sumrB mulr_sumr -big_split; apply: eq_bigr => n _ /=.
  by move: (l1 _) (l1 _) => x y; mring R.
apply: addr_ge0; first by apply: sumr_ge0 => n _; apply: sqr_ge0.
by apply: mulr_ge0; rewrite ?ler0n // subr_ge0.
Qed.

(* Reflection in the hyperplane orthogonal to w. *)
Definition reflection w : 'M[R]_d := 1%:M - (2%:R / dot w w) *: (w *m w^T).

Lemma reflectionE w u : reflection w *m u = u - (2%:R * dot w u / dot w w) *: w.
Proof.
rewrite /reflection mulmxBl mul1mx -scalemxAl -mulmxA; congr (_ - _).
have -> : w^T *m u = (dot w u)%:M by rewrite [LHS]mx11_scalar dotE.
by rewrite mul_mx_scalar scalerA mulrAC.
Qed.

Lemma reflection_orth w : orthogonal (reflection w).
Proof.
have [->|w0] := eqVneq w 0.
  by rewrite /orthogonal /reflection mul0mx scaler0 subr0 trmx1 mul1mx.
have ww : dot w w != 0 by rewrite dot_eq0.
have sym : (reflection w)^T = reflection w.
  by rewrite /reflection linearB linearZ /= trmx1 trmx_mul trmxK.
suff fix2 : forall u, reflection w *m (reflection w *m u) = u.
  rewrite /orthogonal sym; apply/matrixP => i j.
  have := fix2 (delta_mx j 0); rewrite mulmxA -colE => /matrixP/(_ i 0).
  by rewrite !mxE andbT.
move=> u; rewrite 2!reflectionE dotBr dotZr; set b := dot w u.
have -> : 2%:R * (b - 2%:R * b / dot w w * dot w w) / dot w w = - (2%:R * b / dot w w).
  by move: (dot w w) ww => e e0; mfield R; apply/eqP.
by rewrite scaleNr opprK subrK.
Qed.

(* A reflection that swaps two vectors of equal length. *)
Lemma reflection_swap u v : dot u u = dot v v -> reflection (u - v) *m u = v.
Proof.
move=> e; rewrite reflectionE; have [uv|ne] := eqVneq (u - v) 0.
  by rewrite uv scaler0 subr0; apply/eqP; rewrite -subr_eq0 uv.
have ww : dot (u - v) (u - v) != 0 by rewrite dot_eq0.
have -> : 2%:R * dot (u - v) u = dot (u - v) (u - v).
  by rewrite !(dotBl, dotBr) (dotC v u) -e; mring R.
by rewrite divff // scale1r opprB addrC subrK.
Qed.

(* Two families with the same inner products are related by a rotation. *)
Lemma gram_rotation N (u v : 'I_N -> 'cV[R]_d) :
  (forall i j, dot (u i) (u j) = dot (v i) (v j)) ->
  exists O, orthogonal O /\ forall i, O *m u i = v i.
Proof.
move=> gram; suff gen : forall n, (n <= N)%N ->
    exists O, orthogonal O /\ forall i : 'I_N, (i < n)%N -> O *m u i = v i.
  have [O [hO h]] := gen N (leqnn N); by exists O; split=> // i; apply: h.
elim=> [|n IH] nN; first by exists 1%:M; rewrite /orthogonal trmx1 mul1mx.
have [O [hO h]] := IH (ltnW nN); pose l := Ordinal nN.
exists (reflection (O *m u l - v l) *m O); split.
  by rewrite /orthogonal trmx_mul -mulmxA (mulmxA _^T _ O) reflection_orth mul1mx.
move=> i; rewrite ltnS leq_eqVlt -mulmxA => /orP[/eqP il|il].
  have -> : i = l by apply: val_inj.
  by apply: reflection_swap; rewrite orth_dot.
have z : dot (O *m u l - v l) (v i) = 0.
  by rewrite dotBl -{1}(h i il) orth_dot // gram subrr.
by rewrite (h i il) reflectionE z mulr0 mul0r scale0r subr0.
Qed.

(* Multiples of sign vectors have cosine 1. *)
Lemma cosine_sign (a : R) k : 0 < a -> (forall i, `|k i 0| = a) -> cosine k = 1.
Proof.
move=> a0 h; have s0 := sqrtd_gt0.
have dd : d%:R = Num.sqrt d%:R * Num.sqrt d%:R :> R by rewrite -expr2 sqr_sqrtr // ler0n.
have l1E : l1 k = d%:R * a.
  by rewrite /l1 (eq_bigr (fun=> a)) // sumr_const card_ord mulr_natl.
have nE : norm k = Num.sqrt d%:R * a.
  rewrite /norm /dot (eq_bigr (fun=> a ^+ 2)); last first.
    by move=> i _; rewrite -expr2 -(real_normK (num_real (k i 0))) h.
  rewrite sumr_const card_ord -[a ^+ 2 *+ d]mulr_natl sqrtrM ?ler0n //.
  by rewrite sqrtr_sqr gtr0_norm.
by rewrite /cosine l1E nE mulrA -dd divff // mulf_neq0 ?gt_eqF // ltr0n.
Qed.

(* GS-5. (a) If a Hadamard matrix of order d exists, N <= d pairwise orthogonal
   non-zero keys can be rotated to cosine 1 all at once. *)
Theorem GS_5_a_hadamard_perfect_fit N (Hd : 'M[R]_d) (K : 'I_N -> 'cV[R]_d) :
  (N <= d)%N -> (forall i j, `|Hd i j| = 1) -> Hd^T *m Hd = d%:R%:M ->
  (forall i, K i != 0) -> (forall i j, i != j -> dot (K i) (K j) = 0) ->
  exists O, orthogonal O /\ forall i, cosine (O *m K i) = 1.
Proof.
move=> Nd H1 HH K0 Ko; have s0 := sqrtd_gt0.
pose v i : 'cV[R]_d := (norm (K i) / Num.sqrt d%:R) *: col (widen_ord Nd i) Hd.
have cc i j : dot (col i Hd) (col j Hd) = d%:R *+ (i == j).
  have /matrixP/(_ i j) := HH; rewrite !mxE => <-.
  by apply: eq_bigr => l _; rewrite !mxE.
have [O [hO hv]] : exists O, orthogonal O /\ forall i, O *m K i = v i.
  apply: gram_rotation => i j; rewrite /v dotZl dotZr cc.
  have -> : (widen_ord Nd i == widen_ord Nd j) = (i == j) by [].
  have [->|ij] := eqVneq i j; last by rewrite mulr0n !mulr0 Ko.
  rewrite mulr1n -norm_sqr.
  have dd : d%:R = Num.sqrt d%:R * Num.sqrt d%:R :> R by rewrite -expr2 sqr_sqrtr // ler0n.
  rewrite [in X in _ * (_ * X)]dd; move: (norm _) (Num.sqrt d%:R) s0 => x y y0.
  by mfield R; apply/eqP; rewrite gt_eqF.
exists O; split=> // i; rewrite hv; apply: (@cosine_sign (norm (K i) / Num.sqrt d%:R)).
  by rewrite divr_gt0 // norm_gt0.
move=> l; rewrite !mxE normrM H1 mulr1 ger0_norm // divr_ge0 ?norm_ge0 //.
exact: ltW.
Qed.

(* GS-5. (b) A single non-zero key always can. *)
Theorem GS_5_b_single_key k : k != 0 -> exists O, orthogonal O /\ cosine (O *m k) = 1.
Proof.
move=> k0; have s0 := sqrtd_gt0; pose v : 'cV[R]_d := const_mx (norm k / Num.sqrt d%:R).
have [O [hO hv]] : exists O, orthogonal O /\ forall i : 'I_1, O *m k = v.
  apply: (@gram_rotation 1 (fun=> k) (fun=> v)) => _ _.
  rewrite /v {2}/dot (eq_bigr (fun=> (norm k / Num.sqrt d%:R) ^+ 2)); last first.
    by move=> i _; rewrite !mxE expr2.
  rewrite sumr_const card_ord -[X in _ = X]mulr_natl expr_div_n (sqr_sqrtr (ler0n R d)) norm_sqr.
  by rewrite [RHS]mulrC divfK // pnatr_eq0 -lt0n.
exists O; split=> //; rewrite (hv ord0); apply: (@cosine_sign (norm k / Num.sqrt d%:R)).
  by rewrite divr_gt0 // norm_gt0.
by move=> l; rewrite mxE ger0_norm // divr_ge0 ?norm_ge0 // ltW.
Qed.

(* Cosine 1 means a multiple of the sign vector. *)
Lemma cosine1_sign k : k != 0 -> cosine k = 1 ->
  forall i, k i 0 = norm k / Num.sqrt d%:R * sgn1 (k i 0).
Proof.
move=> k0 c1; have s0 := sqrtd_gt0; have n0 : 0 < norm k by rewrite norm_gt0.
have l1E : l1 k = Num.sqrt d%:R * norm k.
  move: c1; rewrite /cosine => /(congr1 (fun x => x * (Num.sqrt d%:R * norm k))).
  by rewrite divfK ?mul1r // mulf_neq0 // gt_eqF.
have dd : d%:R = Num.sqrt d%:R * Num.sqrt d%:R :> R by rewrite -expr2 sqr_sqrtr // ler0n.
have : k - onebit k = 0.
  apply/eqP; rewrite -dot_eq0 onebit_energy // l1E exprMn (sqr_sqrtr (ler0n R d)).
  by rewrite mulrAC mulfV ?mul1r ?norm_sqr ?subrr // pnatr_eq0 -lt0n.
move/eqP; rewrite subr_eq0 => /eqP/colP h i; rewrite {1}h mxE l1E; congr (_ * _).
rewrite {2}dd; move: (norm k) (Num.sqrt d%:R) s0 => x y y0.
by mfield R; apply/eqP; rewrite gt_eqF.
Qed.

(* GS-5. (c) Two non-zero keys can exactly when their cosine is (d - 2m)/d for
   some m <= d. *)
Theorem GS_5_c_two_keys k k' : k != 0 -> k' != 0 ->
  (exists O, [/\ orthogonal O, cosine (O *m k) = 1 & cosine (O *m k') = 1]) <->
  (exists2 m, (m <= d)%N & dot k k' = norm k * norm k' * ((d%:R - (2 * m)%:R) / d%:R)).
Proof.
move=> k0 k0'; have s0 := sqrtd_gt0.
have dd : d%:R = Num.sqrt d%:R * Num.sqrt d%:R :> R by rewrite -expr2 sqr_sqrtr // ler0n.
have ddi : d%:R^-1 = (Num.sqrt d%:R)^-1 * (Num.sqrt d%:R)^-1 :> R by rewrite -invfM -dd.
have signs (a b : R) (s t : 'I_d -> R) m :
    (\sum_i s i * t i = d%:R - (2 * m)%:R) ->
    \sum_i (a / Num.sqrt d%:R * s i) * (b / Num.sqrt d%:R * t i) =
    a * b * ((d%:R - (2 * m)%:R) / d%:R).
  move=> <-; rewrite mulr_suml mulr_sumr; apply: eq_bigr => i _.
  by rewrite ddi; mring R.
split=> [[O [hO c1 c2]]|[m md hdot]].
  have Ok : O *m k != 0 by rewrite -norm_eq0 orth_norm // norm_eq0.
  have Ok' : O *m k' != 0 by rewrite -norm_eq0 orth_norm // norm_eq0.
  pose s i := sgn1 ((O *m k) i 0); pose t i := sgn1 ((O *m k') i 0).
  pose D := [set i | s i != t i].
  have st : \sum_i s i * t i = d%:R - (2 * #|D|)%:R.
    have e i : s i * t i = 1 - 2%:R * (s i != t i)%:R.
      rewrite /s /t /sgn1; do 2 case: ifP => _; rewrite ?eqxx ?mulrNN ?mulr1 ?mulN1r ?mulr0 ?subr0 //.
        by rewrite -subr_eq0 opprK -mulr2n pnatr_eq0 /= mulr1n; mring R.
      by rewrite eq_sym -subr_eq0 opprK -mulr2n pnatr_eq0 /= mulr1n; mring R.
    rewrite (eq_bigr _ (fun i _ => e i)) sumrB sumr_const card_ord -mulr_sumr natrM.
    congr (_ - _ * _); rewrite -sum1_card natr_sum [RHS]big_mkcond.
    by apply: eq_bigr => i _; rewrite inE; case: (_ != _).
  exists #|D|; first by rewrite -[X in (_ <= X)%N]card_ord max_card.
  rewrite -(signs _ _ s t) // -(orth_dot _ _ hO) -(orth_norm k hO) -(orth_norm k' hO).
  by apply: eq_bigr => i _; rewrite -!cosine1_sign.
pose t (i : 'I_d) : R := if (i < m)%N then -1 else 1.
pose v : 'cV[R]_d := \col_i (norm k / Num.sqrt d%:R * 1).
pose v' : 'cV[R]_d := \col_i (norm k' / Num.sqrt d%:R * t i).
have tt i : t i * t i = 1 by rewrite /t; case: ifP => _; rewrite ?mulrNN mulr1.
have sq (x : R) (s : 'I_d -> R) : (forall i, s i * s i = 1) ->
    \sum_i (x / Num.sqrt d%:R * s i) * (x / Num.sqrt d%:R * s i) = x ^+ 2.
  move=> ss; have := signs x x s s 0%N; rewrite muln0 subr0 => ->.
    by rewrite divff ?mulr1 ?expr2 // pnatr_eq0 -lt0n.
  by rewrite (eq_bigr (fun=> 1)) // sumr_const card_ord.
have sumt : \sum_i 1 * t i = d%:R - (2 * m)%:R.
  rewrite (eq_bigr (fun i : 'I_d => 1 - 2%:R * (i < m)%N%:R)); last first.
    by move=> i _; rewrite mul1r /t; case: ifP => _; rewrite /= ?mulr1n ?mulr0n; mring R.
  rewrite sumrB sumr_const card_ord -mulr_sumr natrM; congr (_ - _ * _).
  rewrite -natr_sum; congr _%:R.
  rewrite (eq_bigr (fun i : 'I_d => if (i < m)%N then 1%N else 0%N)); last first.
    by move=> i _; case: (_ < _)%N.
  by rewrite -big_mkcond (big_ord_narrow md) sum1_card card_ord.
pose ks (i : 'I_2) := if i == 0 then k else k'.
pose vs (i : 'I_2) := if i == 0 then v else v'.
have vv : dot v v = dot k k.
  rewrite -[RHS]norm_sqr -(sq (norm k) (fun=> 1)) => [|i]; last exact: mulr1.
  by apply: eq_bigr => i _; rewrite !mxE.
have v'v' : dot v' v' = dot k' k'.
  by rewrite -[RHS]norm_sqr -(sq (norm k') t) //; apply: eq_bigr => i _; rewrite !mxE.
have vv' : dot v v' = dot k k'.
  by rewrite hdot -(signs _ _ (fun=> 1) t) //; apply: eq_bigr => i _; rewrite !mxE.
have [O [hO hv]] : exists O, orthogonal O /\ forall i, O *m ks i = vs i.
  apply: gram_rotation => i j; rewrite /ks /vs.
  by case: ifP => _; case: ifP => _; rewrite ?vv ?v'v' ?vv' // dotC -vv' dotC.
have e0 := hv 0; have e1 := hv 1; rewrite /ks /vs /= in e0 e1.
exists O; split=> //; rewrite ?e0 ?e1.
- apply: (@cosine_sign (norm k / Num.sqrt d%:R)); first by rewrite divr_gt0 // norm_gt0.
  by move=> i; rewrite mxE mulr1 ger0_norm // divr_ge0 ?norm_ge0 // ltW.
apply: (@cosine_sign (norm k' / Num.sqrt d%:R)); first by rewrite divr_gt0 // norm_gt0.
move=> i; rewrite mxE normrM ger0_norm ?divr_ge0 ?norm_ge0 ?(ltW s0) //.
by rewrite /t; case: ifP => _; rewrite ?normrN normr1 mulr1.
Qed.

(* Trace form of the objective, Phi(R, B) = tr(B^T R K^T) with the keys (weighted)
   as the columns of X, B a matrix of signs. *)
Definition sign_mx N (X : 'M[R]_(d, N)) : 'M[R]_(d, N) := map_mx (@sgn1 R) X.

Lemma trace_sum N (B X : 'M[R]_(d, N)) : \tr (B^T *m X) = \sum_n \sum_i B i n * X i n.
Proof. by apply: eq_bigr => n _; rewrite mxE; apply: eq_bigr => i _; rewrite mxE. Qed.

(* GS-1. (a) Sign step: among all sign matrices sgn(R X) maximises the trace, and
   the maximum is the sum of the L1 norms of the rotated keys. *)
Theorem GS_1_a_sign_step N O (X B : 'M[R]_(d, N)) : (forall i n, `|B i n| = 1) ->
  \tr (B^T *m (O *m X)) <= \tr ((sign_mx (O *m X))^T *m (O *m X)) /\
  \tr ((sign_mx (O *m X))^T *m (O *m X)) = \sum_n l1 (col n (O *m X)).
Proof.
move=> hB; rewrite !trace_sum; set Y := O *m X; split.
  apply: ler_sum => n _; apply: ler_sum => i _.
  rewrite [X in _ <= X * _]mxE [X in _ <= X]mulrC mul_sgn1.
  by apply: le_trans (ler_norm _) _; rewrite normrM hB mul1r.
apply: eq_bigr => n _; apply: eq_bigr => i _.
by rewrite [sign_mx Y i n]mxE [col n Y i 0]mxE mulrC mul_sgn1.
Qed.

(* GS-1. (b) Rotation step: given a polar certificate M = P S of M = B X^T, P
   orthogonal and S symmetric positive semidefinite, no rotation has a larger
   trace than P. *)
Theorem GS_1_b_rotation_step M O (P : 'M[R]_d) S : orthogonal P -> orthogonal O ->
  S^T = S -> (forall w, 0 <= dot w (S *m w)) -> M = P *m S ->
  \tr (O^T *m M) <= \tr (P^T *m M).
Proof.
move=> hP hO Ssym Spsd ->.
rewrite (mulmxA P^T) hP mul1mx mulmxA; set W := O^T *m P.
have hW : W *m W^T = 1%:M.
  by rewrite /W trmx_mul trmxK mulmxA -(mulmxA O^T) (mulmx1C hP) mulmx1.
pose Z := 1%:M - W.
have pos : 0 <= \tr (Z *m S *m Z^T).
  apply: sumr_ge0 => i _; have := Spsd (row i Z)^T; rewrite -dotE trmxK.
  rewrite mulmxA -row_mul => h; move: h; congr (_ <= _).
  rewrite mxE [RHS]mxE; apply: eq_bigr => l _; congr (_ * _); first by rewrite [LHS]mxE.
  by rewrite !mxE.
have e : \tr (Z *m S *m Z^T) = (\tr S - \tr (W *m S)) *+ 2.
  have -> : Z *m S *m Z^T = S - W *m S - (S *m W^T - W *m S *m W^T).
    by rewrite /Z linearB /= trmx1 mulmxBr mulmx1 !mulmxBl !mul1mx.
  have trB (A1 A2 : 'M[R]_d) : \tr (A1 - A2) = \tr A1 - \tr A2 by rewrite raddfB.
  rewrite !trB.
  have -> : \tr (W *m S *m W^T) = \tr S.
    by rewrite mxtrace_mulC mulmxA (mulmx1C hW) mul1mx.
  have -> : \tr (S *m W^T) = \tr (W *m S).
    by rewrite -mxtrace_tr trmx_mul trmxK Ssym.
  by move: (\tr S) (\tr (W *m S)) => a b; mring R.
by move: pos; rewrite e pmulrn_lge0 // subr_ge0.
Qed.

(* GS-1. (c) Hence one ITQ round (signs, then the polar factor) never lowers the
   sum of the L1 norms. *)
Theorem GS_1_c_itq_monotone N O (X : 'M[R]_(d, N)) (P : 'M[R]_d) S :
  orthogonal P -> orthogonal O -> S^T = S -> (forall w, 0 <= dot w (S *m w)) ->
  sign_mx (O *m X) *m X^T = P *m S ->
  \sum_n l1 (col n (O *m X)) <= \sum_n l1 (col n (P *m X)).
Proof.
move=> hP hO Ssym Spsd polar; set B := sign_mx (O *m X) in polar *.
have hB i n : `|B i n| = 1.
  by rewrite mxE /sgn1; case: ifP => _; rewrite ?normrN normr1.
have [_ <-] := GS_1_a_sign_step O X hB.
have [h1 <-] := GS_1_a_sign_step P X hB.
apply: le_trans h1; rewrite -/B.
have step Q : \tr (B^T *m (Q *m X)) = \tr (Q^T *m (B *m X^T)).
  rewrite -[LHS]mxtrace_tr !trmx_mul trmxK -mulmxA mxtrace_mulC.
  by rewrite mulmxA.
by rewrite !step polar; apply: GS_1_b_rotation_step Spsd erefl.
Qed.

End Search.
